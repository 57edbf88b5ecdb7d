// Values that the agent's rules are tested with.
#pragma once

#include "agent/journal.h"
#include "agent/outcome.h"
#include "agent/plan.h"
#include "base/random.h"

namespace lenscap::agent::testing {

inline Time const kNow = from_unix(1'800'000'000);  // 2027-01-15T08:00:00Z

inline x509::NameSet names(std::string_view dns, std::string_view ip) {
  x509::NameSet set;
  if (!dns.empty()) set.dns.insert(x509::DnsName::parse(dns).value());
  if (!ip.empty()) set.ip.insert(x509::IpAddress::parse(ip).value());
  return set;
}

inline Sha256 hash(std::uint8_t octet) {
  Sha256 value{};
  value.fill(octet);
  return value;
}

inline Device camera() {
  Device device;
  device.serial = "ACCC8E68D4D2";
  device.endpoint = {"10.20.4.119", 80, 443};
  device.server = "hq";
  device.model = "P1367";
  device.firmware = "7.30.1";
  device.added = kNow - 100 * kDay;
  device.user = "root";
  device.pin = hash(1);
  device.names = names("cam1.cams.example", "10.20.4.119");
  device.common_name = "cam1.cams.example";
  device.https = HttpsState::enabled;
  return device;
}

inline LiveCertificate live(std::string id, Time not_before, Seconds lifetime = 90 * kDay) {
  LiveCertificate certificate;
  certificate.id = std::move(id);
  certificate.chain_pem = "(chain of " + certificate.id + ")";
  certificate.names = camera().names;
  certificate.key_pin = hash(7);
  certificate.validity = {not_before, not_before + lifetime};
  certificate.promoted = not_before;
  return certificate;
}

inline Device enrolled_camera() {
  auto device = camera();
  device.live = live("lenscap-00000001", kNow - 10 * kDay);
  device.pin = device.live->key_pin;
  return device;
}

// What a runner notes when the step goes well.
inline Journal succeed(Journal journal, Step step, Time now = kNow) {
  switch (step) {
    case Step::probe:
      return note_probed(std::move(journal), now);
    case Step::make_key: {
      auto id = journal.key_id;
      return note_key(std::move(journal), id, Bytes{0x30, 0x00}, hash(2), now);
    }
    case Step::place_order:
      return note_order(std::move(journal), "https://ca.example/order/1", now);
    case Step::get_certificate:
      return note_certificate(std::move(journal), "(chain)", {kNow, kNow + 90 * kDay}, now);
    case Step::install: {
      auto id = journal.key_id;
      return note_installed(std::move(journal), id, {}, now);
    }
    case Step::snapshot:
      return note_snapshot(std::move(journal), "{}", "lenscap-00000001", {hash(1), hash(3)}, now);
    case Step::switch_https:
      return note_switched(std::move(journal), now);
    case Step::verify_served:
      return note_verified(std::move(journal), false, now);
    case Step::remove_old:
      return note_old_removed(std::move(journal), {"lenscap-00000001"}, "", now);
    case Step::restore:
      return note_restored(std::move(journal), now);
    case Step::verify_restored:
      return note_restore_verified(std::move(journal), now);
    case Step::discard: {
      auto ids = ids_to_remove(camera(), journal);
      return note_discarded(std::move(journal), ids, now);
    }
    case Step::promote:
      break;
  }
  return promote(std::move(journal), enrolled_camera(), now).journal;
}

// Of a renewal whose new certificate is served and proven, and not yet live.
inline Journal verified() {
  auto journal = begin_journal(enrolled_camera(), Purpose::renew, "lenscap-00000002", "task", kNow);
  while (next_step(journal) != Step::promote) {
    auto step = next_step(journal).value();
    journal = succeed(begin_step(journal, step, kNow), step);
  }
  return journal;
}

}  // namespace lenscap::agent::testing
