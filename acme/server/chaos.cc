#include "acme/server/chaos.h"

#include <algorithm>

#include "acme/wire/names.h"
#include "base/json.h"
#include "base/net/io_threads.h"
#include "base/random.h"

namespace lenscap::acme {
namespace {

// splitmix64: numbers that look independent, from any two numbers.
std::uint64_t mix(std::uint64_t seed, std::uint64_t n) {
  auto z = seed + (n + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

std::uint64_t first_octets(ByteView octets) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | octets[i];
  return value;
}

std::uint64_t random_seed() {
  return first_octets(random_bytes(8)) >> 16;  // 48 bits: it fits into an integer of TOML
}

// What stays of an element of a list: a URL itself, or the URL of a challenge, whose status changes.
std::string name_of(json::Value const& element) {
  if (auto const* text = element.as_string()) return *text;
  if (auto const* object = element.as_object())
    if (auto const* url = object->find("url"); url != nullptr && url->as_string() != nullptr) return *url->as_string();
  return {};
}

json::Array shuffled(json::Array list, std::uint64_t seed) {
  auto const place = [seed](json::Value const& element) {
    auto const hash = sha256(as_bytes(name_of(element)));
    return mix(seed, first_octets(hash));
  };
  std::ranges::sort(list, {}, place);
  return list;
}

void shuffle_lists(net::Response& response, std::uint64_t seed) {
  auto const* type = response.headers.find(names::kContentType);
  if (type == nullptr || *type != names::kJson) return;
  auto object = json::parse_object(response.body, {.bytes = 1024 * 1024, .members = 100'000});
  if (!object) return;
  for (auto const* name : {"authorizations", "challenges", "orders"}) {
    auto const* value = object->find(name);
    if (value != nullptr && value->as_array() != nullptr) object->set(name, shuffled(*value->as_array(), seed));
  }
  response.body = json::write(*object);
}

net::Awaitable<> pause(Seconds time) {
  if (time > Seconds(0)) co_await net::sleep_for(time);
}

std::string_view text_of(RetryAfterForm form) {
  return form == RetryAfterForm::seconds ? "seconds" : form == RetryAfterForm::date ? "date" : "mixed";
}

std::string_view text_of(ReusePolicy reuse) {
  return reuse == ReusePolicy::usual ? "usual" : reuse == ReusePolicy::always ? "always" : "never";
}

}  // namespace

ChaosSettings read_chaos(config::Reader& reader) {
  ChaosSettings settings;
  settings.bad_nonce = static_cast<int>(reader.integer("chaos.bad_nonce", 0, 0, 100));
  auto const form = reader.string("chaos.retry_after", "seconds");
  if (form == "date")
    settings.retry_after = RetryAfterForm::date;
  else if (form == "mixed")
    settings.retry_after = RetryAfterForm::mixed;
  else if (form != "seconds")
    reader.refuse("chaos.retry_after", "\"" + form + "\" is none of seconds, date, mixed");
  settings.shuffle = reader.boolean("chaos.shuffle", false);
  settings.slow_validation = reader.duration("chaos.slow_validation", Seconds(0));
  settings.async_finalize = reader.duration("chaos.async_finalize", Seconds(0));
  for (auto const* name : {"chaos.slow_validation", "chaos.async_finalize"})
    if (reader.duration(name, Seconds(0)) > kHour) reader.refuse(name, "must be at most 1h");
  auto const reuse = reader.string("chaos.reuse_authorizations", "usual");
  if (reuse == "always")
    settings.reuse_authorizations = ReusePolicy::always;
  else if (reuse == "never")
    settings.reuse_authorizations = ReusePolicy::never;
  else if (reuse != "usual")
    reader.refuse("chaos.reuse_authorizations", "\"" + reuse + "\" is none of usual, always, never");
  settings.seed = static_cast<std::uint64_t>(reader.integer("chaos.seed", 0, 0, std::int64_t{1} << 48));
  return settings;
}

Chaos::Chaos(ChaosSettings settings) : settings_(settings), seed_(settings.seed != 0 ? settings.seed : random_seed()) {}

std::vector<std::string> Chaos::switches() const {
  std::vector<std::string> on;
  auto const add = [&](bool is_on, std::string_view name, std::string const& value) {
    if (is_on) on.push_back(std::string(name) + " = " + value);
  };
  auto const quoted = [](std::string_view word) { return "\"" + std::string(word) + "\""; };
  auto const seconds = [&](Seconds time) { return quoted(std::to_string(time.count()) + "s"); };
  add(settings_.bad_nonce != 0, "bad_nonce", std::to_string(settings_.bad_nonce));
  add(settings_.retry_after != RetryAfterForm::seconds, "retry_after", quoted(text_of(settings_.retry_after)));
  add(settings_.shuffle, "shuffle", "true");
  add(settings_.slow_validation != Seconds(0), "slow_validation", seconds(settings_.slow_validation));
  add(settings_.async_finalize != Seconds(0), "async_finalize", seconds(settings_.async_finalize));
  add(settings_.reuse_authorizations != ReusePolicy::usual, "reuse_authorizations",
      quoted(text_of(settings_.reuse_authorizations)));
  add(!on.empty(), "seed", std::to_string(seed_));
  return on;
}

std::uint64_t Chaos::draw() { return mix(seed_, drawn_++); }

Result<> Chaos::judge_nonce(x509::PublicKey const& signer, std::string_view url, std::string_view payload) {
  if (settings_.bad_nonce == 0) return {};
  auto const key = to_hex(signer.spki_hash());
  auto const mark = [&](std::string const& text) -> auto& {
    return refused_[first_octets(sha256(as_bytes(text))) % kMarks];
  };
  auto& at_this_url = mark(key + " " + std::string(url));
  auto& this_one = mark(key + " " + std::string(url) + " " + std::string(payload));
  if (this_one.exchange(false)) {
    at_this_url = false;
    return {};
  }
  if (at_this_url.exchange(false)) return {};
  if (draw() % 100 >= static_cast<std::uint64_t>(settings_.bad_nonce)) return {};
  this_one = true;
  at_this_url = true;
  return Error(Errc::bad_nonce,
               "chaos: the nonce was good, and is refused all the same; take the fresh one of this "
               "answer and send the request again");
}

void Chaos::change(net::Response& response, Time now) {
  if (settings_.shuffle) shuffle_lists(response, seed_);
  if (settings_.retry_after == RetryAfterForm::seconds) return;
  auto const* seconds = response.headers.find(names::kRetryAfter);
  if (seconds == nullptr || (settings_.retry_after == RetryAfterForm::mixed && draw() % 2 == 0)) return;
  response.headers.set(names::kRetryAfter, to_http_date(now + Seconds(std::stoll(*seconds))));
}

net::Awaitable<> Chaos::before_attempt() { return pause(settings_.slow_validation); }

std::chrono::milliseconds Chaos::finalize_wait(std::chrono::milliseconds usual) const {
  return settings_.async_finalize == Seconds(0) ? usual : std::chrono::milliseconds(0);
}

net::Awaitable<> Chaos::before_signature() { return pause(settings_.async_finalize); }

}  // namespace lenscap::acme
