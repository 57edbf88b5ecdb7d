#include "tests/e2e/load.h"

#include <algorithm>
#include <fstream>

#include "acme/server/records/accounts.h"
#include "acme/wire/jws.h"
#include "acme/wire/key_change.h"
#include "base/json.h"
#include "base/x509/csr.h"
#include "ca/ledger.h"

namespace lenscap::e2e {

char const* const kLoadSettings =
    "[acme.limits]\nnew_accounts = \"none\"\nnew_orders = \"none\"\norders_for_name = \"none\"\n"
    "account_changes = \"none\"\n"
    "[crl]\nafter_revocation = \"0s\"\n"
    "[signer]\nper_minute = 0\n";

Ran verify_later(fakes::CaProcess& ca, std::string const& state) {
  constexpr std::string_view kAtOnce = "after_revocation = \"0s\"";
  auto const file = state + "/ca.toml";
  auto const text = fakes::CaProcess::read(file);
  auto const at = text.find(kAtOnce);
  if (at == text.npos) throw std::runtime_error(file + " has not the settings of a load");
  std::ofstream(file) << std::string(text).replace(at, kAtOnce.size(), "after_revocation = \"1h\"");
  auto ran = ca.run_on(state, {"store", "verify"});
  std::ofstream(file) << text;
  return ran;
}

void seal_lightly(fakes::CaProcess& ca, std::string const& key_file) {
  auto const key = ca.state() + "/" + key_file;
  // openssl takes the second line when it reads one file for both.
  std::filesystem::copy_file(ca.path("passphrases"), ca.path("again"),
                             std::filesystem::copy_options::overwrite_existing);
  auto const resealed = ca.programs().run({"openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "1", "-in", key,
                                           "-out", key + ".new", "-passin", "file:" + ca.path("passphrases"),
                                           "-passout", "file:" + ca.path("again")});
  if (resealed.code != 0) throw std::runtime_error(resealed.all());
  std::filesystem::rename(key + ".new", key);
}

Eab make_eab_key(fakes::CaProcess& ca, std::vector<std::string> const& scope) {
  std::vector<std::string> words{"eab", "create", "--uses", "many", "--output", "json"};
  words.insert(words.end(), scope.begin(), scope.end());
  auto const made = ca.run(std::move(words));
  auto const object = json::parse_object(made.out);
  if (!object.ok()) throw std::runtime_error(made.all());
  return {.kid = json::need_string(*object, "kid").value(),
          .mac_key = SecretBytes(from_base64url(json::need_string(*object, "mac_key").value()).value())};
}

// --- what was told

bool Told::certificate(x509::Certificate const& certificate) {
  std::lock_guard lock(mutex_);
  return certificates_.emplace(certificate.serial_hex(), Issued{certificate, now()}).second;
}

void Told::revocation(std::string const& serial) {
  std::lock_guard lock(mutex_);
  revoked_.emplace(serial, now());
}

void Told::account(std::string const& url, x509::PublicKey const& key) {
  std::lock_guard lock(mutex_);
  auto const at = now();
  auto& told = accounts_.emplace(url.substr(url.rfind('/') + 1), AccountTold{at, {}}).first->second;
  if (!told.keys.empty()) ++changed_keys_;
  told.keys.push_back({key, at});
}

void Told::account_key_unknown(std::string const& url) {
  std::lock_guard lock(mutex_);
  accounts_.at(url.substr(url.rfind('/') + 1)).keys.push_back({std::nullopt, now()});
}

void Told::answer() {
  std::lock_guard lock(mutex_);
  ++answers_;
  changed_.notify_all();
}

void Told::wait_for_answers(int more) {
  std::unique_lock lock(mutex_);
  auto const wanted = answers_ + more;
  changed_.wait_for(lock, std::chrono::seconds(60), [&] { return answers_ >= wanted; });
}

int Told::answers() const {
  std::lock_guard lock(mutex_);
  return answers_;
}

std::vector<std::string> Told::serials(Moment until) const {
  std::vector<std::string> all;
  for (auto const& [serial, issued] : certificates_)
    if (issued.at <= until) all.push_back(serial);
  return all;
}

std::vector<std::string> Told::missing_in(store::Store& store, Moment until) const {
  std::vector<std::string> missing;
  store.read([&](store::ReadTxn& txn) {
    for (auto const& [serial, issued] : certificates_) {
      if (issued.at > until) continue;
      auto const kept = ca::find_certificate(txn, serial);
      if (!kept || kept->der() != issued.certificate.der())
        missing.push_back("certificate " + serial + " was given out and is not on record");
    }
    for (auto const& [serial, at] : revoked_)
      if (at <= until && !ca::find_revocation(txn, serial))
        missing.push_back("certificate " + serial + " was revoked, and is not any more");
    for (auto const& [id, told] : accounts_) {
      if (told.at > until) continue;
      auto const kept = acme::load_account(txn, id);
      if (!kept) missing.push_back("account " + id + " is gone");
      // With a moment in the past, a key that was asked for later may be there already.
      if (kept && told.keys.back().key && told.keys.back().at <= until && kept->key != *told.keys.back().key)
        missing.push_back("account " + id + " has another key than its last one");
    }
  });
  return missing;
}

// --- a client

std::string Worker::with_connection(std::function<void()> const& what) {
  try {
    bench::Trusted const trusted(root_);
    bench::Connection connection(trusted, bench::place_of(base_ + "/"));
    connection_ = &connection;
    nonce_.clear();
    what();
    return "";
  } catch (Wrong const& wrong) {
    return wrong.what();
  } catch (Refused const& refused) {
    was_refused_ = true;
    refusal_ = refused.what();
    return "";
  } catch (std::exception const&) {
    return "";  // no answer any more
  }
}

std::string Worker::work(int orders) {
  return with_connection([&] {
    for (int i = 0; i < orders; ++i) step();
  });
}

void Worker::step() {
  if (random_() % 16 == 0) account_ = Account{};  // the one that it had stays, and is never used again
  order();
  if (random_() % 3 == 0) revoke();
  if (random_() % 4 == 0) change_key();
}

bench::Answer Worker::post(std::string const& url, std::string const& payload, int expected) {
  if (nonce_.empty()) nonce_ = connection_->get(base_ + "/acme/new-nonce", true).nonce;
  auto answer =
      connection_->post(url, acme::sign_jws(account_.key, {.url = url, .nonce = nonce_, .kid = account_.url}, payload));
  nonce_ = answer.nonce;
  if (answer.status == 400 && answer.body.find("badNonce") != std::string::npos) return post(url, payload, expected);
  bool const is_problem = answer.body.find("urn:ietf:params:acme:error:") != std::string::npos;
  auto const text = url + ": " + std::to_string(answer.status) + " " + answer.body;
  if (answer.status >= 500 && is_problem && refusals_ == Refusals::proper) throw Refused(text);
  if (answer.status != expected) throw Wrong(text);
  told_.answer();
  return answer;
}

namespace {

std::string member(bench::Answer const& answer, std::string_view name) {
  auto const object = json::parse_object(answer.body);
  auto value = object.ok() ? json::need_string(*object, name) : Result<std::string>(object.error());
  if (!value.ok()) throw Wrong("no " + std::string(name) + " in " + answer.body);
  return *std::move(value);
}

}  // namespace

void Worker::make_account() {
  auto const url = base_ + "/acme/new-account";
  json::Object request;
  request.set("externalAccountBinding",
              acme::make_eab(eab_.kid, eab_.mac_key, acme::MacAlgorithm::hs256, url, account_.key.public_key()));
  try {
    account_.url = post(url, json::write(request), 201).location;
    told_.account(account_.url, account_.key.public_key());
  } catch (std::exception const&) {
    account_ = Account{};  // who knows whether it was made
    throw;
  }
}

void Worker::order() {
  if (account_.url.empty()) make_account();
  auto const name = "cam" + std::to_string(number_) + "-" + std::to_string(random_() % 1000) + ".cams.example";
  json::Object const wish{{"identifiers", json::Array{json::Object{{"type", "dns"}, {"value", name}}}}};
  auto const made = post(base_ + "/acme/new-order", json::write(wish), 201);
  x509::NameSet names;
  names.dns.insert(x509::DnsName::parse(name).value());
  auto const csr = x509::make_csr(x509::PrivateKey::generate(x509::KeyType::ec_p256), names);
  auto const finalized = post(member(made, "finalize"), json::write(json::Object{{"csr", to_base64url(csr)}}), 200);
  // An order whose certificate could not be signed is a proper answer too, where something is broken on purpose.
  if (refusals_ == Refusals::proper && member(finalized, "status") == "invalid") throw Refused(finalized.body);
  if (member(finalized, "status") != "valid") throw Wrong("finalize: " + finalized.body);
  auto const chain = x509::parse_pem_chain(post(member(finalized, "certificate"), "", 200).body);
  if (!chain.ok()) throw Wrong("no chain: " + chain.error().detail());
  last_ = chain->front();
  if (!told_.certificate(*last_)) throw Wrong("the number " + last_->serial_hex() + " was given twice");
  last_of_account_ = account_.url;
  ++orders_;
}

void Worker::revoke() {
  if (!last_ || last_of_account_ != account_.url) return;
  json::Object const request{{"certificate", to_base64url(last_->der())}};
  post(base_ + "/acme/revoke-cert", json::write(request), 200);
  told_.revocation(last_->serial_hex());
  last_.reset();
}

void Worker::change_key() {
  auto const url = base_ + "/acme/key-change";
  auto new_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  told_.account_key_unknown(account_.url);
  try {
    post(url, acme::make_key_change(new_key, url, account_.url, account_.key.public_key()), 200);
  } catch (std::exception const&) {
    account_ = Account{};  // who knows which key it has
    throw;
  }
  account_.key = std::move(new_key);
  told_.account(account_.url, account_.key.public_key());
}

}  // namespace lenscap::e2e
