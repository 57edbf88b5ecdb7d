// What a check works with: requests right or wrong, the objects that it needs, and its judgment. Each check has a Probe
// of its own; the first thing that keeps it from going on (skip, fail, no answer) ends it by an exception, as an
// assertion ends a test. Not for products.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "tests/conformance/check.h"
#include "tests/conformance/jws.h"
#include "tests/conformance/site.h"

namespace lenscap::conformance {

struct Skipped : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Outcome { pass, fail, not_applicable };
std::string_view to_string(Outcome outcome);

struct Finding {
  std::string what;
  std::size_t exchange = 0;  // index of the exchange that shows it
};

struct Verdict {
  Check check;
  Outcome outcome = Outcome::pass;
  std::string reason = {};             // why not applicable
  std::vector<Finding> findings = {};  // why it failed
  std::vector<Exchange> exchanges = {};
};

// Runs one check; never throws.
Verdict judge(Check const& check, Site& site);

struct Ordered {
  std::string url;
  Answer answer;  // the newest that was seen of it
};

using Names = std::vector<std::pair<std::string, std::string>>;  // identifiers: type, value
json::Array identifiers(Names const& names);

class Probe {
 public:
  explicit Probe(Site& the_site) : site(the_site) {}
  Site& site;
  std::vector<Finding> findings;

  // --- judgment ---
  void expect(bool fine, std::string const& what);   // notes a failure and goes on
  void require(bool fine, std::string const& what);  // and ends the check
  [[noreturn]] static void skip(std::string const& why);
  // An error answer: one of the statuses (none: any of 4xx), one of ACME's problem types (none: any), a problem
  // document.
  void expect_problem(Answer const& answer, std::vector<int> const& statuses, std::vector<std::string> const& types,
                      std::string const& what);
  void expect_ok(Answer const& answer, std::string const& what);   // 2xx
  void require_ok(Answer const& answer, std::string const& what);  // 2xx, or the check ends

  // --- requests ---
  std::string url_of(std::string_view resource);  // of the directory; skips when it is not offered
  bool offers(std::string_view resource) const;
  json::Object meta() const;
  Answer get(std::string const& url, Http::Fields fields = {});
  std::string nonce();                                                           // a fresh one
  json::Object header(Account const& account, std::string const& url);           // alg, kid, nonce, url
  json::Object key_header(x509::PrivateKey const& key, std::string const& url);  // alg, jwk, nonce, url
  // A body as it is; `media_type` empty: no Content-Type at all.
  Answer post_text(std::string const& url, std::string const& body,
                   std::string const& media_type = "application/jose+json");
  Answer post(std::string const& url, json::Object const& jws) { return post_text(url, json::write(jws)); }
  // Right requests. When the server answers badNonce they are sent once more, as RFC 8555 6.5 wants of clients.
  Answer post(Account const& account, std::string const& url, std::string_view payload, Http::Fields fields = {});
  Answer post(Account const& account, std::string const& url, json::Object const& payload) {
    return post(account, url, json::write(payload));
  }
  Answer post_with_key(x509::PrivateKey const& key, std::string const& url, json::Object const& payload);
  Answer read(Account const& account, std::string const& url, Http::Fields fields = {}) {  // POST-as-GET
    return post(account, url, "", std::move(fields));
  }
  // Two bodies at once over two connections.
  std::pair<Answer, Answer> post_both(std::string const& url, std::string const& first, std::string const& second);

  // --- objects ---
  Account& account();   // made once for the run
  Account& stranger();  // another one
  Account make_account(x509::KeyType type = x509::KeyType::ec_p256);
  // newAccount's payload: agreement to the terms, and the binding when the server wants one.
  json::Object new_account(x509::PrivateKey const& key, json::Object more = {});
  json::Object binding(x509::PublicKey const& key);  // externalAccountBinding; skips without an EAB key
  bool wants_binding() const;

  std::string refused_name();  // one that the server's policy refuses; skips when it refuses none
  std::string fresh_name();    // below the domain, never used before; resolves to the responders
  Answer try_order(Account const& account, Names const& names, json::Object more = {});
  Ordered order(Account const& account, Names const& names, json::Object more = {});  // 201, or the check ends
  Ordered dns_order(Account const& account) { return order(account, {{"dns", fresh_name()}}); }
  Answer authorization(Account const& account, Ordered const& order, std::size_t index = 0);
  // A challenge of this type that is still to be met; skips when there is none or no responder for it.
  json::Object challenge(Answer const& authorization, std::string_view type);
  static json::Object find_challenge(Answer const& authorization, std::string_view type);  // empty when absent
  bool can_meet(std::string_view type) const;
  void respond(Account const& account, std::string const& name, json::Object const& challenge);  // sets the responder
  // Meets every pending authorization of the order by whatever challenge there is; the order is then to be ready.
  void prove(Account const& account, Ordered const& order);
  void prove_authorization(Account const& account, std::string const& url);
  Ordered ready_order(Account const& account, Names const& names, json::Object more = {});
  Answer finalize(Account const& account, Ordered const& order, ByteView csr);
  Answer poll(Account const& account, std::string const& url, std::function<bool(Answer const&)> const& done);
  Answer poll_status(Account const& account, std::string const& url, std::vector<std::string> const& statuses);
  Issued issue(Account const& account, Names const& names, json::Object more = {});
  Issued& issued();  // made once for the run, by account()
};

// The CSR's DER: these names as subjectAltName. Values of "ip" become addresses.
Bytes csr_for(x509::PrivateKey const& key, Names const& names, std::string const& common_name = {});
x509::PrivateKey new_key(x509::KeyType type = x509::KeyType::ec_p256);
std::string short_text(std::string text, std::size_t length = 200);
bool is_base64url(std::string_view text);
std::string member_text(json::Object const& object, std::string_view name);  // empty when absent or no text

}  // namespace lenscap::conformance
