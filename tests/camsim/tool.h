// Other people's programs as judges of the simulator: curl and openssl, run as processes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/camsim/process.h"

namespace lenscap::camsim {

struct Ran {
  int status = -1;  // exit status; -1 when it did not start or was killed
  std::string out;
  std::string err;
};
// Runs a program of the PATH and feeds it `input`.
Ran run_tool(std::vector<std::string> const& words, std::string_view input = {});

// A folder that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder const&) = delete;
  TemporaryFolder& operator=(TemporaryFolder const&) = delete;
  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }
  std::string write(std::string_view name, std::string_view text) const;  // gives the path

 private:
  std::string path_;
};

struct WebAnswer {
  int status = 0;
  int curl_status = 0;                         // curl's exit status
  std::map<std::string, std::string> headers;  // of the last answer, names in lower case
  std::string body;
};
// curl with these words before the URL: {"--anyauth", "-u", "root:pass"}.
WebAnswer curl(std::vector<std::string> const& words, std::string const& url, std::string_view body = {});

// A client of one camera: curl --anyauth, the way the vendor's examples do it, over HTTP or HTTPS (certificate unseen).
class Client {
 public:
  Client(std::string base_url, std::string user = "root:pass") : base_(std::move(base_url)), user_(std::move(user)) {}
  WebAnswer get(std::string const& path) const;
  WebAnswer post(std::string const& path, std::string_view body, std::string const& type = "application/json") const;
  WebAnswer send(std::string const& verb, std::string const& path, std::string_view body) const;
  WebAnswer soap(std::string_view body_markup) const;  // puts the envelope around it, with the usual prefixes

 private:
  std::string base_;
  std::string user_;
};

std::string soap_envelope(std::string_view body_markup);
// The text between the first `from` and the next `to`; empty when they are not there.
std::string between(std::string_view text, std::string_view from, std::string_view to);
json::Object parse_json(std::string_view text);                            // fails the test program when it is none
std::string json_text(json::Object const& object, std::string_view path);  // "data/propertyList/Version"

// A CA of openssl's own making.
class OpensslCa {
 public:
  OpensslCa();
  std::string root_file() const { return folder_.path("root.pem"); }
  std::string bundle_file() const { return folder_.path("bundle.pem"); }  // root and issuing certificate
  std::string issuing_pem() const;
  // The certificate for a CSR (PEM), names as in an openssl config: "DNS:cam.example,IP:127.9.0.1".
  std::string sign(std::string const& csr_pem, std::string const& names) const;

 private:
  TemporaryFolder folder_;
};

std::string pem_of(std::string_view label, std::string_view base64);
std::string base64_of_pem(std::string_view pem);  // the body in one line
// What `openssl s_client -showcerts` gets, PEM, leaf first; empty when there is no connection.
std::vector<std::string> served_chain(DeviceInfo const& camera, std::vector<std::string> const& more = {});
std::string fingerprint(std::string const& certificate_pem);  // SHA-256, lower-case hex, by openssl

}  // namespace lenscap::camsim
