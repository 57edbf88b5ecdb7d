// A bench for drivers: simulated cameras, an HTTP client on its own loop, and a CA that certifies whatever key it is
// shown. For tests of everything that talks to a device.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "agent/device.h"
#include "agent/devices/table.h"
#include "agent/verify_served.h"
#include "base/net/io_threads.h"
#include "tests/base/x509/chain_maker.h"
#include "tests/camsim/process.h"

namespace lenscap::agent {

struct Bench {
  explicit Bench(double time_scale = 0, DeviceTimeouts timeouts = {})
      : camsim(camsim::ProcessOptions{.time_scale = time_scale, .seed = 1, .program = {}}),
        http(threads.executor(0)),
        devices(make_device_access(http, clock, timeouts)) {}

  template <class T>
  T wait(net::Awaitable<T> task) {
    return net::run(threads.executor(0), std::move(task));
  }

  void wait_for(std::chrono::milliseconds time) { net::run_until_done(threads.executor(0), net::sleep_for(time)); }

  std::vector<x509::Certificate> certify(x509::PublicKey const& key, x509::NameSet const& names) {
    std::vector<std::string> dns;
    std::vector<Bytes> ip;
    for (auto const& name : names.dns) dns.push_back(name.text());
    for (auto const& address : names.ip) ip.push_back(to_bytes(address.octets()));
    x509::testing::Spec spec;
    spec.extensions = {x509::testing::subject_alt_name(dns, ip)};
    spec.serial = ++last_serial;
    auto const leaf = x509::testing::build(spec, key.native(), authority.issuing_key.native(), authority.issuing.get());
    return {x509::testing::to_certificate(leaf), x509::testing::to_certificate(authority.issuing)};
  }

  camsim::Process camsim;
  SystemClock clock;
  x509::testing::Authority authority;
  long last_serial = 100;
  net::IoThreads threads{1};
  net::HttpClient http;
  std::unique_ptr<DeviceAccess> devices;
};

// One camera on the bench, and what an operator knows of it.
struct Camera {
  Camera(Bench& the_bench, camsim::NewDevice const& device) : bench(the_bench), info(the_bench.camsim.add(device)) {
    login.user = "root";
    login.password = SecretBytes("pass");
    endpoint = {info.address, info.http_port, info.https_port};
    names.dns.insert(*x509::DnsName::parse("cam-" + info.serial + ".example.test"));
    names.ip.insert(*x509::IpAddress::parse(info.address));
  }

  // First contact: the key that is seen, or plain HTTP where there is nothing else.
  Trust first_trust() {
    Trust trust;
    auto const look = bench.wait(bench.devices->look(endpoint));
    if (look.ok() && !look->peer.empty()) {
      trust.pins.push_back(look->peer.front().key().spki_hash());
    } else {
      trust.plain_http = true;
    }
    return trust;
  }
  Trust our_trust() const {
    Trust trust;
    trust.roots = bench.authority.roots();
    trust.intermediates = bench.authority.intermediates();
    trust.names = names;
    return trust;
  }
  ServedExpectation expectation(x509::PublicKey const& key) const {
    ServedExpectation expected;
    expected.key = key;
    expected.roots = bench.authority.roots();
    expected.intermediates = bench.authority.intermediates();
    expected.names = names;
    expected.serial = info.serial;
    expected.until = expected.until_away = patience;
    expected.interval = std::chrono::milliseconds(20);
    return expected;
  }
  KeySpec spec() const {
    KeySpec wanted;
    wanted.id = new_certificate_id();
    wanted.names = names;
    wanted.common_name = names.dns.begin()->text();
    return wanted;
  }
  DeviceResult<std::unique_ptr<Driver>> open(Trust trust) {
    return bench.wait(bench.devices->open(endpoint, login, std::move(trust), info.serial));
  }

  Bench& bench;
  camsim::DeviceInfo info;
  Endpoint endpoint;
  Login login;
  x509::NameSet names;
  Seconds patience{10};  // how long verify_served goes on
};

// What an enrolment left behind, or where it stopped.
struct Enrolled {
  std::string step;  // the last one begun
  std::optional<DeviceError> error;
  std::optional<HttpsConfig> before;
  std::optional<NewKey> key;
  std::optional<Installed> installed;
  std::optional<SwitchOutcome> outcome;
  std::optional<Served> served;
  std::vector<x509::Certificate> chain;
  std::chrono::milliseconds key_time{0};     // from the order to make a key until its request was there
  std::chrono::milliseconds switch_time{0};  // from the order to switch until the new certificate was proven

  bool good() const { return !error && served && served->text.find("certificate of the new key") != std::string::npos; }
  std::string text() const {
    return step + ": " +
           (error    ? std::string(to_string(error->code)) + ": " + error->text
            : served ? served->text
                     : "no result");
  }
};

// Every step of a certificate's way onto the camera, with an open driver.
inline Enrolled enrol(Camera& camera, Driver& driver, KeySpec spec) {
  Enrolled done;
  Bench& bench = camera.bench;
  done.step = "get_https";
  auto before = bench.wait(driver.get_https());
  if (!before.ok()) return done.error = before.error(), done;
  done.before = *before;

  auto const since = [](std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  };
  done.step = "create_key_and_csr";
  auto const key_ordered = std::chrono::steady_clock::now();
  auto key = bench.wait(driver.create_key_and_csr(spec));
  if (!key.ok()) return done.error = key.error(), done;
  done.key = *key;
  done.key_time = since(key_ordered);

  done.step = "install_certificate";
  done.chain = bench.certify(key->csr.key, camera.names);
  auto installed = bench.wait(driver.install_certificate(spec.id, key->csr.key, done.chain));
  if (!installed.ok()) return done.error = installed.error(), done;
  done.installed = *installed;

  done.step = "set_https";
  auto const switch_ordered = std::chrono::steady_clock::now();
  auto const outcome = bench.wait(driver.set_https(before->with_certificate(installed->id, installed->ca_ids)));
  if (!outcome.ok()) return done.error = outcome.error(), done;
  done.outcome = *outcome;

  done.step = "verify_served";
  auto const expected = camera.expectation(key->csr.key);
  auto const served = bench.wait(bench.devices->verify_served(camera.endpoint, expected, &driver));
  if (!served.ok()) return done.error = served.error(), done;
  done.served = *served;
  done.switch_time = since(switch_ordered);
  if (!served->good(expected)) done.error = DeviceError(DeviceErrc::switched_but_not_served, served->text);
  return done;
}

// From first contact.
inline Enrolled enrol(Camera& camera) {
  Enrolled done;
  done.step = "open";
  auto driver = camera.open(camera.first_trust());
  if (!driver.ok()) return done.error = driver.error(), done;
  return enrol(camera, **driver, camera.spec());
}

}  // namespace lenscap::agent
