#include "agent/renewal_info.h"

#include <algorithm>

namespace lenscap::agent {
namespace {

// RFC 9773 4.3.3: neither a busy loop nor a promise for years.
constexpr Seconds kRetryAfterMin = kMinute;
constexpr Seconds kRetryAfterMax = kDay;
constexpr Seconds kRetryAfterUsual = 6 * kHour;

constexpr std::size_t kExplanationShown = 200;

Time last_asked(LiveCertificate const& live) {
  return std::max(live.asked.value_or(Time::min()), live.window ? live.window->fetched : Time::min());
}

// What became of one question. The device may have been changed by a person meanwhile: only its window is touched, and
// only if the certificate is still the one that was asked about.
void save_answer(Workshop& shop, std::string const& serial, std::string const& chain_pem,
                 std::optional<RenewalWindow> const& window) {
  shop.store.write([&](store::WriteTxn& txn) {
    auto device = load_device(txn, serial);
    if (!device || !device->live || device->live->chain_pem != chain_pem) return false;
    device->live->asked = shop.clock.now();
    if (window) device->live->window = window;
    save_device(txn, *device);
    return true;
  });
}

std::optional<LiveCertificate> load_live(Workshop& shop, std::string const& serial) {
  std::optional<Device> device;
  shop.store.read([&](store::ReadTxn& txn) { device = load_device(txn, serial); });
  return device ? device->live : std::nullopt;
}

// Nobody answered, or something that is no ACME server: the others would fare no better.
bool is_no_answer(Errc code) {
  return code == Errc::unreachable || code == Errc::tls || code == Errc::unavailable || code == Errc::internal ||
         code == Errc::rate_limited;
}

}  // namespace

bool wants_window(LiveCertificate const& live, Time now) {
  Seconds const lifetime = live.validity.not_after - live.validity.not_before;
  if (now < live.promoted + std::min(kAskFirst, lifetime / 10)) return false;
  if (live.asked && now >= *live.asked && now - *live.asked < kAskAgain &&
      (!live.window || live.window->fetched != *live.asked))
    return false;
  return !live.window || now < live.window->fetched || now - live.window->fetched >= live.window->retry_after;
}

std::vector<std::string> windows_to_ask(store::ReadTxn& txn, Time now) {
  std::vector<std::pair<Time, std::string>> found;
  for (Device const& device : all_devices(txn))
    if (device.live && device.moves_from.empty() && wants_window(*device.live, now))
      found.emplace_back(last_asked(*device.live), device.serial);
  std::ranges::sort(found);
  if (found.size() > kAsksPerRound) found.resize(kAsksPerRound);
  std::vector<std::string> serials;
  for (auto& [asked, serial] : found) serials.push_back(std::move(serial));
  return serials;
}

net::Awaitable<std::size_t> ask_windows(Workshop& shop, std::vector<std::string> serials) {
  std::size_t written = 0;
  bool ended = false;
  for (auto const& serial : serials) {
    auto const live = load_live(shop, serial);
    if (!live) continue;
    std::optional<RenewalWindow> window;
    std::string id = certificate_id(*live);
    if (!ended && !id.empty()) {
      auto const info = co_await shop.acme.renewal_info(id);
      if (info.ok() && *info) {
        auto const& object = (*info)->object;
        window =
            RenewalWindow{object.start, object.end, shop.clock.now(),
                          std::clamp((*info)->retry_after.value_or(kRetryAfterUsual), kRetryAfterMin, kRetryAfterMax)};
        ++written;
        if (object.start <= shop.clock.now())
          shop.log.info("renewal.window", {{"device", serial},
                                           {"start", to_rfc3339(object.start)},
                                           {"end", to_rfc3339(object.end)},
                                           {"explanation", object.explanation_url.substr(0, kExplanationShown)}});
      } else if (!info.ok()) {
        shop.log.info("renewal.no_window", {{"device", serial}, {"why", info.error().detail()}});
        ended = is_no_answer(info.error().code());
      } else {
        ended = true;  // the server has none for anybody
      }
    }
    save_answer(shop, serial, live->chain_pem, window);
  }
  co_return written;
}

}  // namespace lenscap::agent
