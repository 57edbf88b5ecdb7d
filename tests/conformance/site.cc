#include "tests/conformance/site.h"

#include "base/file.h"
#include "base/random.h"

namespace lenscap::conformance {
namespace {

std::vector<x509::Certificate> read_roots(std::string const& file) {
  auto const pem = read_file(file);
  if (!pem) throw std::runtime_error(pem.error().detail());
  auto roots = x509::parse_pem_chain(*pem);
  if (!roots) throw std::runtime_error(file + ": " + roots.error().detail());
  return *std::move(roots);
}

class OwnZone final : public Zone {
 public:
  explicit OwnZone(DnsServer& dns) : dns_(dns) {}
  void set_txt(std::string const& name, std::vector<std::string> const& values) override {
    std::vector<std::vector<std::string>> records;
    for (auto const& value : values) records.push_back({value});
    dns_.set_txt(name, records);
  }

 private:
  DnsServer& dns_;
};

// The management interface of pebble-challtestsrv, which other test set-ups have running.
class ControlledZone final : public Zone {
 public:
  explicit ControlledZone(std::string url) : url_(std::move(url)), http_({}) {}
  void set_txt(std::string const& name, std::vector<std::string> const& values) override {
    order("/clear-txt", {{"host", name + "."}});
    for (auto const& value : values) order("/set-txt", {{"host", name + "."}, {"value", value}});
  }

 private:
  void order(std::string const& path, json::Object const& what) {
    auto const answer = http_.send("POST", url_ + path, {}, json::write(what));
    if (answer.status != 200) throw NoAnswer("the DNS server at " + url_ + " refused " + path);
  }
  std::string url_;
  Http http_;
};

}  // namespace

Site::Site(Options given)
    : options(std::move(given)), roots(read_roots(options.ca_bundle)), http(roots), run_id(to_hex(random_bytes(4))) {
  auto const& o = options;
  if (o.http_port != 0) web = std::make_unique<HttpResponder>(o.address, o.http_port);
  if (o.tls_port != 0) tls = std::make_unique<TlsAlpnResponder>(o.address, o.tls_port);
  if (o.dns_port != 0) {
    dns = std::make_unique<DnsServer>(o.address, o.dns_port, o.domain, o.address);
    zone = std::make_unique<OwnZone>(*dns);
  } else if (!o.dns_control.empty()) {
    zone = std::make_unique<ControlledZone>(o.dns_control);
  }
  auto const answer = http.send("GET", o.directory);
  directory = answer.json();
  if (answer.status != 200 || directory.empty())
    throw std::runtime_error(o.directory + " is no directory: status " + std::to_string(answer.status));
}

}  // namespace lenscap::conformance
