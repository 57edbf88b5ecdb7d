// A hostile ACME server. Whatever it says, a camera that is being enrolled keeps what it serves, nothing is installed
// on it, nothing is sent to another place, and the agent comes to an end: at most ten looks at anything that stays as
// it is, ten minutes by its clock, and a sentence for the operator that a terminal can show. The
// connection below it: hostile_wire_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/solvers/http_responder.h"
#include "base/text_table.h"
#include "tests/agent/workshop.h"

namespace lenscap::agent {
namespace {

using fakes::FakeAcme;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using ::testing::Not;
using testing::TestWorkshop;

using Seen = FakeAcme::Seen;
using Response = net::ClientResponse;

// What a shell, a terminal or a path would make something of.
constexpr char const* kNasty = "x`touch /tmp/owned`$(reboot);|&\n\r\x1b[2J\x1b]0;title\x07../../etc/passwd";

// Does it show an order's state?
bool is_order(std::string const& url) {
  return url.find("/order/") != std::string::npos && url.find("/authorization/") == std::string::npos &&
         !url.ends_with("/certificate");
}

struct World : TestWorkshop {
  World() {
    log = Log::to([this](std::string_view line) { lines.emplace_back(line); });
  }
  TaskResult attempt() {
    auto shop = this->shop();
    shop.solvers.http = &responder;
    return net::run(threads.next(), run_device(shop, testing::camera().serial, Purpose::enroll, "task-1"));
  }

  // --- how to be hostile

  // Every answer to a URL that ends so is changed.
  void change(std::string ending, std::function<void(Response&)> how) {
    acme.spoil = [ending = std::move(ending), how = std::move(how)](Seen const& seen, Response& response) {
      if (seen.url.ends_with(ending)) how(response);
    };
  }
  void edit(std::string ending, std::function<void(json::Object&)> how) {
    change(std::move(ending), [how = std::move(how)](Response& response) {
      auto object = json::parse_object(response.body);
      if (!object.ok()) return;
      how(*object);
      response.body = json::write(*object);
    });
  }
  void set(std::string ending, std::string member, json::Value value) {
    edit(std::move(ending), [=](json::Object& object) { object.set(member, value); });
  }
  void say(std::string ending, std::string body) {
    change(std::move(ending), [body = std::move(body)](Response& response) { response.body = body; });
  }
  void head(std::string ending, std::string name, std::string value) {
    change(std::move(ending), [=](Response& response) {
      net::Headers others;
      for (auto const& [key, text] : response.headers.fields())
        if (key != name) others.add(key, text);
      if (!value.empty()) others.add(name, value);
      response.headers = others;
    });
  }
  void redirect(std::string ending, int status) {
    change(std::move(ending), [=](Response& response) {
      response.status = status;
      response.headers = {};
      response.headers.add("Location", "https://evil.example/");
      response.body.clear();
    });
  }
  void refuse(std::string ending, int status, std::string problem) {
    change(std::move(ending),
           [=, this](Response& response) { response = acme.respond(status, acme::names::kProblemJson, problem); });
  }
  // The first http-01 challenge of the first authorization.
  void edit_challenge(std::function<void(json::Object&)> how) {
    acme.wants_http_01 = true;
    edit("/authorization/0", [how = std::move(how)](json::Object& object) {
      auto challenges = *object.find("challenges")->as_array();
      for (auto& challenge : challenges) {
        auto one = *challenge.as_object();
        how(one);
        challenge = one;
      }
      object.set("challenges", challenges);
    });
  }
  void stay(std::string_view status, std::string retry_after = {}) {
    acme.spoil = [=](Seen const& seen, Response& response) {
      auto object = json::parse_object(response.body);
      if (!is_order(seen.url) || !object.ok() || response.status != 200) return;
      object->set("status", status);
      response.body = json::write(*object);
      if (!retry_after.empty()) response.headers.add("Retry-After", retry_after);
      response.headers.add("Date", "Fri, 15 Jan 2027 08:00:00 GMT");
    };
  }

  HttpResponder responder;  // which listens nowhere: the server only says that it looked
  std::vector<std::string> lines;
};

struct Row {
  char const* name;
  std::function<void(World&)> misbehave;
  char const* error;  // as the device's record has it
  Retry retry;
  int looks_max = kLooksPerState + 2;  // at one URL: a first look, ten in a state, and one that accepts something
};

// Everything that must hold, whatever the server did.
void expect_unharmed(World& world, Row const& row, TaskResult const& result, Seconds took) {
  EXPECT_EQ(world.camera.count("install_certificate"), 0);
  EXPECT_EQ(world.camera.count("set_https"), 0);
  EXPECT_EQ(world.camera.serves, "factory");
  EXPECT_FALSE(world.device().live);
  ASSERT_TRUE(world.device().failure);
  EXPECT_EQ(world.device().failure->code, row.error) << result.description;
  EXPECT_EQ(to_string(world.device().failure->retry), to_string(row.retry)) << result.description;
  EXPECT_LE(took, kOrderDeadline);
  EXPECT_LE(world.clock.longest_sleep, kPauseMax);

  std::map<std::string, int> looks;
  for (auto const& seen : world.acme.requests) {
    EXPECT_TRUE(seen.url.starts_with("https://ca.example/")) << seen.url;
    if (seen.url.find("/new-nonce") == std::string::npos) ++looks[seen.url];
  }
  for (auto const& [url, count] : looks) EXPECT_LE(count, row.looks_max) << url;
  EXPECT_LE(world.acme.requests.size(), 60U);

  auto const expect_tame = [](std::string_view text) {
    EXPECT_LE(text.size(), 4096U);
    for (char const c : text) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << text;
  };
  expect_tame(result.description);
  expect_tame(world.device().failure->text);
  for (auto const& line : world.lines)
    expect_tame(line.ends_with('\n') ? std::string_view(line).substr(0, line.size() - 1) : std::string_view(line));
}

std::string many(std::string_view piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

// An order that flips among these, whatever is asked of it.
void flip(World& world, std::vector<std::string> states) {
  auto looks = std::make_shared<std::size_t>(0);
  world.acme.spoil = [=](Seen const& seen, Response& response) {
    if (!is_order(seen.url) || response.status != 200) return;
    auto object = json::parse_object(response.body);
    object->set("status", states[(*looks)++ % states.size()]);
    if (object->find("certificate") == nullptr) object->set("certificate", "https://ca.example/nothing");
    response.body = json::write(*object);
  };
}

// A chain in which `how` changed something.
void change_chain(World& world, std::function<std::string(World&, std::string const&)> how) {
  world.change("/certificate", [&world, how](Response& response) { response.body = how(world, response.body); });
}

constexpr char const* kElsewhere = "https://evil.example/x";

Row const kRows[] = {
    // --- places: nothing is sent anywhere else (lego CVE-2025-54799)
    {"newOrder over plain http", [](World& w) { w.set("/directory", "newOrder", "http://ca.example/new-order"); },
     "incorrect_response", Retry::later},
    {"newNonce elsewhere", [](World& w) { w.set("/directory", "newNonce", kElsewhere); }, "incorrect_response",
     Retry::later},
    {"newAccount elsewhere", [](World& w) { w.set("/directory", "newAccount", kElsewhere); }, "incorrect_response",
     Retry::later},
    {"newOrder elsewhere", [](World& w) { w.set("/directory", "newOrder", kElsewhere); }, "incorrect_response",
     Retry::later},
    {"newOrder on another port", [](World& w) { w.set("/directory", "newOrder", "https://ca.example:444/new-order"); },
     "incorrect_response", Retry::later},
    {"the directory's host as a user",
     [](World& w) { w.set("/directory", "newOrder", "https://ca.example@evil.example/new-order"); },
     "incorrect_response", Retry::later},
    {"a file as newOrder", [](World& w) { w.set("/directory", "newOrder", "file:///etc/passwd"); },
     "incorrect_response", Retry::later},
    {"the order elsewhere", [](World& w) { w.head("/new-order", "Location", kElsewhere); }, "incorrect_response",
     Retry::later},
    {"an order without a place", [](World& w) { w.head("/new-order", "Location", ""); }, "incorrect_response",
     Retry::later},
    {"an authorization elsewhere",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.set("/order/1", "authorizations", json::Value::strings({kElsewhere}));
     },
     "incorrect_response", Retry::later},
    {"a challenge elsewhere",
     [](World& w) { w.edit_challenge([](json::Object& challenge) { challenge.set("url", kElsewhere); }); },
     "incorrect_response", Retry::later},
    {"finalize elsewhere", [](World& w) { w.set("/order/1", "finalize", kElsewhere); }, "incorrect_response",
     Retry::later},
    {"the certificate elsewhere", [](World& w) { w.set("/finalize", "certificate", kElsewhere); }, "incorrect_response",
     Retry::later},
    {"the certificate over plain http",
     [](World& w) { w.set("/finalize", "certificate", "http://ca.example/order/1/certificate"); }, "incorrect_response",
     Retry::later},
    {"a certificate at a nasty place", [](World& w) { w.set("/finalize", "certificate", kNasty); },
     "incorrect_response", Retry::later},
    {"a certificate at a long place",
     [](World& w) { w.set("/finalize", "certificate", "https://ca.example/" + std::string(10'000, 'x')); },
     "incorrect_response", Retry::later},
    // acme.sh CVE-2023-38198: what is inert is asked for, and nobody is there.
    {"a certificate at a place for a shell",
     [](World& w) { w.set("/finalize", "certificate", "https://ca.example/`reboot`;$(id)|cat${IFS}/etc/passwd"); },
     "order_lost", Retry::anew},

    // --- redirects: never followed
    {"the directory redirects", [](World& w) { w.redirect("/directory", 301); }, "incorrect_response", Retry::later},
    {"newNonce redirects", [](World& w) { w.redirect("/new-nonce", 302); }, "incorrect_response", Retry::later},
    {"newOrder redirects", [](World& w) { w.redirect("/new-order", 307); }, "incorrect_response", Retry::later},
    {"the order redirects", [](World& w) { w.redirect("/order/1", 308); }, "incorrect_response", Retry::later},
    {"the authorization redirects",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.redirect("/authorization/0", 303);
     },
     "incorrect_response", Retry::later},
    {"the challenge redirects",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.redirect("/http-01", 307);
     },
     "incorrect_response", Retry::later},
    {"finalize redirects", [](World& w) { w.redirect("/finalize", 308); }, "incorrect_response", Retry::later},
    {"the certificate redirects", [](World& w) { w.redirect("/certificate", 301); }, "incorrect_response",
     Retry::later},

    // --- no end
    {"processing for ever", [](World& w) { w.stay("processing"); }, "incorrect_response", Retry::later},
    {"pending for ever, though all is granted", [](World& w) { w.stay("pending"); }, "incorrect_response",
     Retry::later},
    {"ready for ever", [](World& w) { w.stay("ready"); }, "incorrect_response", Retry::later},
    {"ready, pending, ready ...",
     [](World& w) {
       flip(w, {"ready", "pending"});
     },
     "incorrect_response", Retry::later, 3 * kLooksPerState},
    {"every state in turn",
     [](World& w) {
       flip(w, {"pending", "processing", "ready", "processing"});
     },
     "order_not_ready", Retry::anew, 3 * kLooksPerState},
    {"valid, and then never was",
     [](World& w) {
       flip(w, {"processing", "valid", "pending"});
     },
     "order_lost", Retry::anew},
    {"an authorization that is pending for ever",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.acme.looks_until_proven = 1'000'000;
     },
     "incorrect_response", Retry::later},
    {"Retry-After of a thousand years", [](World& w) { w.stay("processing", "31536000000"); }, "incorrect_response",
     Retry::later},
    {"Retry-After 0", [](World& w) { w.stay("processing", "0"); }, "incorrect_response", Retry::later},
    {"Retry-After below 0", [](World& w) { w.stay("processing", "-1"); }, "incorrect_response", Retry::later},
    {"Retry-After that overflows", [](World& w) { w.stay("processing", std::string(400, '9')); }, "incorrect_response",
     Retry::later},
    {"Retry-After that is none", [](World& w) { w.stay("processing", kNasty); }, "incorrect_response", Retry::later},
    {"Retry-After in the year 9999", [](World& w) { w.stay("processing", "Fri, 31 Dec 9999 23:59:59 GMT"); },
     "incorrect_response", Retry::later},
    {"Retry-After in 1970", [](World& w) { w.stay("processing", "Thu, 01 Jan 1970 00:00:00 GMT"); },
     "incorrect_response", Retry::later},
    {"rate limited for a year",
     [](World& w) {
       w.change("/new-order", [&w](Response& response) {
         response = w.acme.problem(Error(Errc::rate_limited, "later"));
         response.headers.add("Retry-After", "31536000");
       });
     },
     "rate_limited", Retry::later},

    // --- nonces
    {"badNonce for ever",
     [](World& w) { w.refuse("/new-order", 400, R"({"type":"urn:ietf:params:acme:error:badNonce","detail":"no"})"); },
     "bad_nonce", Retry::later},
    {"badNonce for ever, and no other",
     [](World& w) {
       w.change("/new-order", [](Response& response) {
         response.status = 400;
         response.headers = {};
         response.headers.add("Content-Type", "application/problem+json");
         response.body = R"({"type":"urn:ietf:params:acme:error:badNonce","detail":"no"})";
       });
     },
     "bad_nonce", Retry::later},
    {"no nonce", [](World& w) { w.head("/new-nonce", "Replay-Nonce", ""); }, "incorrect_response", Retry::later},
    {"a nonce that is none", [](World& w) { w.head("/new-nonce", "Replay-Nonce", kNasty); }, "incorrect_response",
     Retry::later},
    {"a nonce of a megabyte", [](World& w) { w.head("/new-nonce", "Replay-Nonce", std::string(1'000'000, 'A')); },
     "incorrect_response", Retry::later},

    // --- media types
    {"the directory as a page", [](World& w) { w.head("/directory", "Content-Type", "text/html"); },
     "incorrect_response", Retry::later},
    {"the order as text", [](World& w) { w.head("/new-order", "Content-Type", "text/plain"); }, "incorrect_response",
     Retry::later},
    {"the order without a media type", [](World& w) { w.head("/order/1", "Content-Type", ""); }, "incorrect_response",
     Retry::later},
    {"the certificate as a page", [](World& w) { w.head("/certificate", "Content-Type", "text/html"); },
     "incorrect_response", Retry::later},
    {"a nasty media type", [](World& w) { w.head("/certificate", "Content-Type", kNasty); }, "incorrect_response",
     Retry::later},
    {"a refusal with status 200",
     [](World& w) {
       w.refuse("/new-order", 200, R"({"type":"urn:ietf:params:acme:error:malformed","detail":"no","status":400})");
     },
     "incorrect_response", Retry::later},

    // --- objects
    {"no JSON", [](World& w) { w.say("/order/1", "<html>welcome</html>"); }, "incorrect_response", Retry::later},
    {"nothing", [](World& w) { w.say("/order/1", ""); }, "incorrect_response", Retry::later},
    {"JSON of great depth", [](World& w) { w.say("/order/1", many("[", 60'000)); }, "incorrect_response", Retry::later},
    {"JSON of many members", [](World& w) { w.say("/order/1", "{\"a\":[" + many("1,", 30'000) + "1]}"); },
     "incorrect_response", Retry::later},
    {"a member twice",
     [](World& w) {
       w.change("/order/1", [](Response& response) {
         if (response.body.starts_with("{")) response.body.insert(1, R"("status":"valid",)");
       });
     },
     "incorrect_response", Retry::later},
    {"JSON that is not UTF-8", [](World& w) { w.say("/order/1", "{\"status\":\"\xff\xfe\"}"); }, "incorrect_response",
     Retry::later},
    {"a NUL in a text", [](World& w) { w.say("/order/1", "{\"status\":\"valid\\u0000\"}"); }, "incorrect_response",
     Retry::later},
    {"numbers where texts belong", [](World& w) { w.set("/order/1", "status", 7); }, "incorrect_response",
     Retry::later},
    {"an unknown status of an order", [](World& w) { w.set("/order/1", "status", kNasty); }, "incorrect_response",
     Retry::later},
    {"an unknown status of an authorization",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.set("/authorization/0", "status", kNasty);
     },
     "incorrect_response", Retry::later},
    {"other names in the order",
     [](World& w) {
       w.set("/order/1", "identifiers", json::Array{json::Object{{"type", "dns"}, {"value", "bank.example"}}});
     },
     "incorrect_response", Retry::later},
    {"one name less in the order",
     [](World& w) {
       w.edit("/new-order", [](json::Object& object) {
         auto names = *object.find("identifiers")->as_array();
         names.pop_back();
         object.set("identifiers", names);
       });
     },
     "incorrect_response", Retry::later},
    {"a nasty name in the order",
     [](World& w) {
       w.set("/order/1", "identifiers", json::Array{json::Object{{"type", "dns"}, {"value", kNasty}}});
     },
     "incorrect_response", Retry::later},
    {"no authorizations",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.set("/order/1", "authorizations", json::Array{});
     },
     "incorrect_response", Retry::later},
    {"400 authorizations",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.set("/order/1", "authorizations",
             json::Value::strings(std::vector<std::string>(400, "https://ca.example/order/1/authorization/0")));
     },
     "incorrect_response", Retry::later},
    {"one authorization twice, and none for the other name",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.set("/order/1", "authorizations",
             json::Value::strings(std::vector<std::string>(2, "https://ca.example/order/1/authorization/0")));
     },
     "incorrect_response", Retry::later},
    {"an authorization of another name",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.set("/authorization/0", "identifier", json::Object{{"type", "dns"}, {"value", "bank.example"}});
     },
     "incorrect_response", Retry::later},
    {"an order that ends without a reason", [](World& w) { w.stay("invalid"); }, "order_lost", Retry::anew},

    // --- challenges (lego CVE-2026-40611, uacme#64)
    {"no challenges",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.set("/authorization/0", "challenges", json::Array{});
     },
     "order_not_ready", Retry::anew},
    {"challenges of unknown types",
     [](World& w) { w.edit_challenge([](json::Object& challenge) { challenge.set("type", kNasty); }); },
     "order_not_ready", Retry::anew},
    {"a challenge without a token",
     [](World& w) { w.edit_challenge([](json::Object& challenge) { challenge.set("token", ""); }); },
     "incorrect_response", Retry::later},
    {"a path as a token",
     [](World& w) {
       w.edit_challenge([](json::Object& c) { c.set("token", "../../../../../../../etc/cron.d/owned"); });
     },
     "incorrect_response", Retry::later},
    {"a nasty token", [](World& w) { w.edit_challenge([](json::Object& c) { c.set("token", kNasty); }); },
     "incorrect_response", Retry::later},
    {"a token that is too long",
     [](World& w) { w.edit_challenge([](json::Object& c) { c.set("token", std::string(129, 'A')); }); },
     "incorrect_response", Retry::later},
    {"a proof that is never seen",
     [](World& w) {
       w.acme.wants_http_01 = true;
       w.acme.sees = [](std::string const&) { return false; };
     },
     "connection", Retry::later},

    // --- refusals
    {"a nasty refusal",
     [](World& w) {
       w.refuse(
           "/new-order", 403,
           json::write(json::Object{
               {"type", "urn:ietf:params:acme:error:rejectedIdentifier"}, {"detail", kNasty}, {"instance", kNasty}}));
     },
     "rejected_identifier", Retry::anew},
    {"a refusal of a nasty type",
     [](World& w) {
       w.refuse("/new-order", 403, json::write(json::Object{{"type", kNasty}, {"detail", kNasty}}));
     },
     "unauthorized", Retry::anew},
    {"a refusal of 60,000 letters",
     [](World& w) {
       w.refuse("/new-order", 403,
                json::write(json::Object{{"type", "urn:ietf:params:acme:error:rejectedIdentifier"},
                                         {"detail", std::string(60'000, 'x')}}));
     },
     "rejected_identifier", Retry::anew},
    {"a nasty reason in the order",
     [](World& w) {
       w.edit("/order/1", [](json::Object& object) {
         object.set("status", "invalid");
         object.set("error",
                    json::Object{{"type", "urn:ietf:params:acme:error:rejectedIdentifier"}, {"detail", kNasty}});
       });
     },
     "rejected_identifier", Retry::anew},
    {"a proxy's page", [](World& w) { w.change("/new-order", [](Response& r) { r = Response(), r.status = 403; }); },
     "incorrect_response", Retry::later},
    {"the account is gone",
     [](World& w) {
       w.refuse("/new-order", 400, R"({"type":"urn:ietf:params:acme:error:accountDoesNotExist","detail":"who?"})");
     },
     "account_does_not_exist", Retry::anew},

    // --- certificates (cert-manager #8414, CVE-2024-12401)
    {"a certificate of another key",
     [](World& w) { w.acme.issued_key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key(); },
     "wrong_certificate", Retry::anew},
    {"a certificate of other names", [](World& w) { w.acme.issued_names = testing::names("bank.example", ""); },
     "wrong_certificate", Retry::anew},
    {"a certificate of one name more",
     [](World& w) {
       auto names = testing::camera().names;
       names.dns.insert(x509::DnsName::parse("bank.example").value());
       w.acme.issued_names = names;
     },
     "wrong_certificate", Retry::anew},
    {"a certificate of a thousand names",
     [](World& w) {
       x509::NameSet names;
       for (int i = 0; i < 1'000; ++i)
         names.dns.insert(x509::DnsName::parse("host" + std::to_string(i) + ".bank.example").value());
       w.acme.issued_names = names;
     },
     "wrong_certificate", Retry::anew},
    {"an order of a hundred names",
     [](World& w) {
       json::Array names;
       for (int i = 0; i < 100; ++i)
         names.push_back(
             json::Object{{"type", "dns"}, {"value", std::string(60, 'x') + std::to_string(i) + ".example"}});
       w.set("/order/1", "identifiers", names);
     },
     "incorrect_response", Retry::later},
    {"a certificate without names", [](World& w) { w.acme.issued_names = x509::NameSet(); }, "wrong_certificate",
     Retry::anew},
    {"a certificate that has expired",
     [](World& w) {
       w.acme.issued_from = -2 * kDay;
       w.acme.issued_until = -kDay;
     },
     "wrong_certificate", Retry::later},
    {"a certificate of tomorrow", [](World& w) { w.acme.issued_from = kDay; }, "wrong_certificate", Retry::later},
    {"a chain to another root", [](World& w) { w.membership.device_roots = x509::testing::Authority().roots(); },
     "wrong_certificate", Retry::anew},
    {"a chain whose signatures do not fit",
     [](World& w) {
       change_chain(w, [](World&, std::string const& chain) {
         auto const leaf = x509::parse_pem_chain(chain).value().front().pem();
         return leaf + x509::testing::Authority().intermediates().front().pem();
       });
     },
     "wrong_certificate", Retry::anew},
    {"an authority's certificate in place of the camera's",
     [](World& w) {
       change_chain(
           w, [](World& world, std::string const&) { return world.acme.authority.intermediates().front().pem(); });
     },
     "wrong_certificate", Retry::anew},
    {"a chain of eleven",
     [](World& w) {
       change_chain(w, [](World& world, std::string const& chain) {
         return chain + many(world.acme.authority.intermediates().front().pem(), 9);
       });
     },
     "incorrect_response", Retry::later},
    {"a private key in the chain",
     [](World& w) {
       change_chain(w, [](World& world, std::string const& chain) {
         return chain + std::string(world.acme.authority.leaf_key.to_pem().text());
       });
     },
     "incorrect_response", Retry::later},
    {"blocks without an end",
     [](World& w) {
       change_chain(w, [](World&, std::string const&) { return many("-----BEGIN CERTIFICATE-----\n", 2'300); });
     },
     "incorrect_response", Retry::later},
    {"dashes without an end",
     [](World& w) { change_chain(w, [](World&, std::string const&) { return std::string(64'000, '-'); }); },
     "incorrect_response", Retry::later},
    {"a certificate that is none",
     [](World& w) {
       change_chain(w, [](World&, std::string const&) {
         return "-----BEGIN CERTIFICATE-----\n" + many("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\n", 1'000) +
                "-----END CERTIFICATE-----\n";
       });
     },
     "incorrect_response", Retry::later},
    {"a nasty chain", [](World& w) { w.say("/certificate", kNasty); }, "incorrect_response", Retry::later},
};

TEST(HostileServer, NothingIsInstalledAndAllComesToAnEnd) {
  EXPECT_GE(std::size(kRows), 40U);
  for (Row const& row : kRows) {
    SCOPED_TRACE(row.name);
    World world;
    row.misbehave(world);
    Time const begun = world.clock.now();
    auto const result = world.attempt();
    expect_unharmed(world, row, result, world.clock.now() - begun);
    EXPECT_EQ(::access("/tmp/owned", F_OK), -1);
  }
}

// The rows are misbehaviours indeed: without one the camera is enrolled, proof and all.
TEST(HostileServer, AFriendlyOneEnrolls) {
  for (bool const proof : {false, true}) {
    World world;
    world.acme.wants_http_01 = proof;
    EXPECT_EQ(world.attempt().status, "Finished");
    EXPECT_EQ(world.camera.count("install_certificate"), 1);
    EXPECT_THAT(world.acme.violations, IsEmpty());
  }
}

// --- in the long run

// What the service does: whenever the back-off is over, again.
int attempts_within(World& world, Seconds time, Seconds& shortest) {
  Time const end = world.clock.now() + time;
  Time last = world.clock.now();
  int attempts = 0;
  shortest = time;
  while (attempts < 2'000) {
    if (attempts > 0) {
      auto const device = world.device();
      if (device.failure->retry == Retry::never || next_try(device) >= end) break;
      world.clock.advance(std::max(Seconds(0), next_try(device) - world.clock.now()));
      EXPECT_TRUE(may_try(device, world.clock.now()));
      shortest = std::min(shortest, world.clock.now() - last);
    }
    last = world.clock.now();
    world.attempt();
    ++attempts;
  }
  return attempts;
}

// Apache's mod_md asked without pause after a month, when its back-off had overflowed (CVE-2025-55753).
TEST(HostileServer, FourHundredDaysOfFailureAreNeverAStorm) {
  World world;
  world.acme.instead = [](Seen const&) {
    return std::optional<FakeAcme::Answer>(Error(Errc::unreachable, "nobody is there"));
  };
  Seconds shortest{0};
  int const attempts = attempts_within(world, 400 * kDay, shortest);
  EXPECT_GE(shortest, kRetryFloor);
  EXPECT_GT(attempts, 300) << "nor is it given up";
  EXPECT_LT(attempts, 450);
}

// Each order for a name that cannot be proved has the server connect in vain, and counts against its limits.
TEST(HostileServer, AProofThatFailsBacksOffAfterOneOrder) {
  World world;
  world.acme.wants_http_01 = true;
  world.acme.sees = [](std::string const&) { return false; };
  EXPECT_EQ(world.attempt().status, "Waiting");
  EXPECT_EQ(world.acme.orders.size(), 1U);
  EXPECT_EQ(world.acme.count("/http-01"), 1);
  EXPECT_GE(next_try(world.device()) - world.clock.now(), kRetryFloor);

  Seconds shortest{0};
  int const attempts = 1 + attempts_within(world, 10 * kDay, shortest);
  EXPECT_GE(shortest, kRetryFloor);
  EXPECT_EQ(world.acme.orders.size(), static_cast<std::size_t>(attempts));
  EXPECT_LT(attempts, 25);

  world.acme.sees = [](std::string const&) { return true; };
  EXPECT_EQ(world.attempt().status, "Finished");
  EXPECT_EQ(world.camera.count("create_key_and_csr"), 1) << "making one takes old cameras a minute";
}

// cert-manager #8414 ordered for ever. Three that do not fit are enough; then a person has to look.
TEST(HostileServer, AfterThreeCertificatesThatDoNotFitNoMoreAreOrdered) {
  Row const cases[] = {
      {"another key",
       [](World& w) { w.acme.issued_key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key(); }, "",
       Retry::never},
      {"other names", [](World& w) { w.acme.issued_names = testing::names("bank.example", ""); }, "", Retry::never},
      {"another root", [](World& w) { w.membership.device_roots = x509::testing::Authority().roots(); }, "",
       Retry::never},
      {"always expired",
       [](World& w) {
         w.acme.issued_from = -2 * kDay;
         w.acme.issued_until = -kDay;
       },
       "", Retry::never},
  };
  for (Row const& row : cases) {
    SCOPED_TRACE(row.name);
    World world;
    row.misbehave(world);
    Seconds shortest{0};
    attempts_within(world, 40 * kDay, shortest);
    EXPECT_EQ(world.acme.orders.size(), 3U);
    ASSERT_TRUE(world.device().failure);
    EXPECT_EQ(world.device().failure->code, "wrong_certificate");
    EXPECT_EQ(to_string(world.device().failure->retry), to_string(Retry::never));
    EXPECT_THAT(world.device().failure->text, HasSubstr("three certificates"));
    EXPECT_EQ(world.camera.count("install_certificate"), 0);
  }
}

TEST(HostileServer, APersonMayTryAgainAfterThreeThatDidNotFit) {
  World world;
  world.acme.issued_names = testing::names("bank.example", "");
  Seconds shortest{0};
  attempts_within(world, 10 * kDay, shortest);
  ASSERT_FALSE(may_try(world.device(), world.clock.now() + 400 * kDay));
  world.acme.issued_names.reset();
  EXPECT_EQ(world.attempt().status, "Finished");
  EXPECT_EQ(world.device().wrong_certificates, 0) << "and all is forgotten";
}

}  // namespace
}  // namespace lenscap::agent
