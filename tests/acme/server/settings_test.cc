#include "acme/server/settings.h"

#include "acme/server/new_settings.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace lenscap::acme {
namespace {

Result<Settings> read(std::string const& text) {
  TRY(auto reader, config::Reader::parse(text, "ca.toml"));
  return read_settings(std::move(reader), "/state");
}

constexpr char const* kLeast = "[server]\nurl = \"https://pki.cams.example\"\n";

TEST(ReadSettings, DefaultsOfTheLeastFile) {  // S-02, S-05
  auto const settings = read(kLeast);
  ASSERT_TRUE(settings.ok()) << settings.error().detail();
  EXPECT_EQ(settings->urls.base(), "https://pki.cams.example");
  EXPECT_EQ(settings->listen.size(), 2u);
  EXPECT_EQ(to_string(settings->listen.at(1)), "[::]:443");
  ASSERT_EQ(settings->http.size(), 2u);
  EXPECT_EQ(to_string(settings->http.at(1)), "[::]:80");
  EXPECT_EQ(settings->http_url(), "http://pki.cams.example");
  EXPECT_TRUE(settings->eab_required);
  EXPECT_EQ(settings->challenges, (std::vector<std::string>{"http-01", "dns-01", "tls-alpn-01"}));
  EXPECT_EQ(settings->resolver.dnssec, Dnssec::if_signed);
  EXPECT_FALSE(settings->redirects);
  EXPECT_FALSE(settings->root_in_chain);                 // 8555-9.1-1
  EXPECT_EQ(settings->csr_padding, CsrPadding::refuse);  // 8555-6.1-5
  EXPECT_TRUE(settings->help_url.empty());
  EXPECT_EQ(settings->limits.new_orders, (RateLimit{20'000, kHour}));
  EXPECT_EQ(settings->limits.account_changes, (RateLimit{60, kHour}));
  EXPECT_EQ(settings->limits.validations_at_host, 8u);
  EXPECT_EQ(settings->caa, CaaMode::off);
  EXPECT_EQ(settings->caa_identities, std::vector<std::string>{"pki.cams.example"});  // the host of the URL
  EXPECT_FALSE(settings->allow_wildcards);
  EXPECT_EQ(settings->replaces, ReplacesPolicy::lenient);
  EXPECT_EQ(settings->http_port, 80);
  EXPECT_TRUE(settings->may_reach.empty());  // nothing is contacted unless the settings say so
  EXPECT_EQ(settings->finalize_wait, Seconds(15));
  EXPECT_EQ(settings->retention.orders, 30 * kDay);
  EXPECT_EQ(settings->retention.unused_accounts, 365 * kDay);
  EXPECT_EQ(settings->chaos, ChaosSettings());
  EXPECT_TRUE(settings->crl.is_served);
  EXPECT_EQ(settings->crl.plan.lifetime, 7 * kDay);
  EXPECT_EQ(settings->crl.plan.after_revocation, kHour);
  EXPECT_EQ(settings->crl.shards, 1u);
  EXPECT_TRUE(settings->crl.revokes_possibly_issued);
  EXPECT_FALSE(settings->ocsp.is_served);
  EXPECT_EQ(settings->ocsp.lifetime, 12 * kHour);
  EXPECT_TRUE(settings->signer.process);
  EXPECT_TRUE(settings->metrics.empty());
  EXPECT_EQ(settings->signer.caps.per_minute, 3'000u);
  EXPECT_EQ(settings->signer.caps.per_day, 100'000u);
  EXPECT_EQ(settings->ca_passphrase, "prompt");
  EXPECT_EQ(settings->store_url, "lmdb:db");
  EXPECT_EQ(settings->free_space_min, std::uint64_t{256} << 20);
  EXPECT_EQ(settings->store_size_max, std::uint64_t{64} << 30);
  EXPECT_EQ(settings->ballast, std::uint64_t{64} << 20);
  EXPECT_EQ(settings->profile_file("camera-https"), "/state/profiles/camera-https.toml");
}

TEST(ReadSettings, RoomOnTheDisk) {
  auto const read_room = [](std::string const& key, std::string const& text) {
    return read(std::string(kLeast) + "[store]\n" + key + " = " + text + "\n");
  };
  EXPECT_EQ(read_room("free_space_min", "\"16MiB\"")->free_space_min, std::uint64_t{16} << 20);
  EXPECT_EQ(read_room("free_space_min", "\"2GiB\"")->free_space_min, std::uint64_t{2} << 30);
  EXPECT_EQ(read_room("free_space_min", "\"0\"")->free_space_min, 0U);
  EXPECT_EQ(read_room("ballast", "\"0\"")->ballast, 0U);
  EXPECT_EQ(read_room("ballast", "\"1GiB\"")->ballast, std::uint64_t{1} << 30);
  EXPECT_EQ(read_room("size_max", "\"1MiB\"")->store_size_max, std::uint64_t{1} << 20);
  EXPECT_EQ(read_room("size_max", "\"200GiB\"")->store_size_max, std::uint64_t{200} << 30);
  for (char const* key : {"free_space_min", "ballast", "size_max"})
    for (char const* text : {"\"256\"", "\"MiB\"", "\"\"", "\"-1MiB\"", "\"1 MiB\"", "\"1MB\"", "\"1000001MiB\"",
                             "\"99999999999999999999MiB\"", "256"})
      EXPECT_FALSE(read_room(key, text).ok()) << key << " = " << text;
  for (char const* text : {"\"0\"", "\"65537GiB\""}) EXPECT_FALSE(read_room("size_max", text).ok()) << text;
}

TEST(ReadSettings, EverythingSet) {
  auto const settings = read(R"(
[server]
url = "https://[fd00:20::1]:8443"
listen = ["127.0.0.1:0", "[::1]:8443"]
http = "0.0.0.0:8080"
connections = 5000
connections_per_address = 2000
idle = "2m"
[ca]
name = "Example"
permit_dns = ["cams.example"]
permit_ip = ["10.20.0.0/15"]
key = "file:keys/other.key"
passphrase = "credential:lenscap-ca-key"
profiles = ["camera-https-cn"]
[acme]
eab_required = false
cors = true
root_in_chain = true
csr_padding = "allow"
challenges = ["http-01"]
allow_wildcards = true
pending_orders = 7
replaces = "strict"
http_port = 5002
tls_port = 5001
resolver = ["10.0.0.53", "127.0.0.1@8053"]
resolver_tcp = true
dnssec = "require"
dnssec_anchors = ["/usr/share/dns/root.key"]
caa = "strict"
caa_identities = ["PKI.example"]
redirects = true
finalize_wait = "5s"
keep_orders = "7d"
keep_unused_accounts = "0s"
may_reach = ["10.20.0.0/15", "fd00:20::/32"]
help_url = "https://pki.example/limits"
[acme.limits]
new_accounts = "1/1s"
eab_failures = "2/1m"
account_changes = "7/2h"
new_orders = "none"
orders_for_name = "3/1h"
failed_validations = "4/1d"
validations_of_network = "5/90s"
validations_at_host = 6
[acme.open]
prove_dns = ["cams.example"]
prove_ip = ["10.20.0.0/15"]
profiles = ["camera-https-cn"]
issuer = "plant4"
live_names = 10
[chaos]
bad_nonce = 20
retry_after = "mixed"
shuffle = true
slow_validation = "2s"
async_finalize = "3s"
reuse_authorizations = "never"
seed = 7
[store]
url = "memory:"
)");
  ASSERT_TRUE(settings.ok()) << settings.error().detail();
  EXPECT_EQ(settings->http_url(), "http://[fd00:20::1]:8080");
  EXPECT_EQ(settings->connections, 5000u);
  EXPECT_TRUE(settings->cors);
  EXPECT_TRUE(settings->root_in_chain);
  EXPECT_EQ(settings->csr_padding, CsrPadding::allow);
  EXPECT_EQ(settings->connections_per_address, 2000u);
  EXPECT_EQ(settings->idle, Seconds(120));
  EXPECT_EQ(settings->pending_orders, 7u);
  EXPECT_EQ(settings->http_port, 5002);
  EXPECT_EQ(settings->tls_port, 5001);
  EXPECT_EQ(settings->resolver.servers.size(), 2u);
  EXPECT_TRUE(settings->resolver.tcp);
  EXPECT_TRUE(settings->redirects);
  EXPECT_EQ(settings->caa, CaaMode::strict);
  EXPECT_EQ(settings->caa_identities, std::vector<std::string>{"pki.example"});
  EXPECT_EQ(settings->resolver.dnssec, Dnssec::require);
  EXPECT_EQ(settings->resolver.trust_anchors.size(), 1u);
  EXPECT_EQ(settings->may_reach.size(), 2u);
  EXPECT_EQ(settings->open_scope.prove_dns.size(), 1u);
  EXPECT_EQ(settings->open_scope.issuer, "plant4");
  EXPECT_EQ(settings->open_scope.live_names_max, 10u);
  EXPECT_FALSE(settings->eab_required);
  EXPECT_TRUE(settings->allow_wildcards);
  EXPECT_EQ(settings->replaces, ReplacesPolicy::strict);
  EXPECT_EQ(settings->help_url, "https://pki.example/limits");
  auto const& limits = settings->limits;
  EXPECT_EQ(limits.new_accounts, (RateLimit{1, Seconds(1)}));
  EXPECT_EQ(limits.eab_failures, (RateLimit{2, kMinute}));
  EXPECT_EQ(limits.account_changes, (RateLimit{7, 2 * kHour}));
  EXPECT_TRUE(limits.new_orders.is_none());
  EXPECT_EQ(limits.orders_for_name, (RateLimit{3, kHour}));
  EXPECT_EQ(limits.failed_validations, (RateLimit{4, kDay}));
  EXPECT_EQ(limits.validations_of_network, (RateLimit{5, Seconds(90)}));
  EXPECT_EQ(limits.validations_at_host, 6u);
  EXPECT_EQ(settings->finalize_wait, Seconds(5));
  EXPECT_EQ(settings->retention.orders, 7 * kDay);
  EXPECT_EQ(settings->retention.unused_accounts, Seconds(0));
  ChaosSettings const chaos{.bad_nonce = 20,
                            .retry_after = RetryAfterForm::mixed,
                            .shuffle = true,
                            .slow_validation = Seconds(2),
                            .async_finalize = Seconds(3),
                            .reuse_authorizations = ReusePolicy::never,
                            .seed = 7};
  EXPECT_EQ(settings->chaos, chaos);
}

TEST(ReadSettings, PlainHttpAtOnePlaceManyOrNone) {
  struct Case {
    char const* http;
    std::vector<std::string> endpoints;
    char const* url;
  };
  for (auto const& c :
       std::vector<Case>{{"\"0.0.0.0:8080\"", {"0.0.0.0:8080"}, "http://pki.cams.example:8080"},
                         {"[\"0.0.0.0:80\", \"[::]:81\"]", {"0.0.0.0:80", "[::]:81"}, "http://pki.cams.example"},
                         {"\"\"", {}, ""},
                         {"[]", {}, ""}}) {
    auto const settings = read(std::string(kLeast) + "http = " + c.http + "\n");
    ASSERT_TRUE(settings.ok()) << c.http << settings.error().detail();
    std::vector<std::string> endpoints;
    for (auto const& endpoint : settings->http) endpoints.push_back(to_string(endpoint));
    EXPECT_EQ(endpoints, c.endpoints) << c.http;
    EXPECT_EQ(settings->http_url(), c.url);
  }
  EXPECT_FALSE(read(std::string(kLeast) + "http = [80]\n").ok());
}

TEST(ReadSettings, RevocationLists) {
  struct Case {
    char const* name;
    std::string more;
    bool is_served;
  };
  std::string const no_http = "http = []\n";
  for (Case const& c : {
           Case{"plain HTTP as usual", "", true},
           Case{"not wanted", "[crl]\nserve = false\n", false},
           Case{"no plain HTTP", no_http, false},
           Case{"neither", no_http + "[crl]\nserve = false\n", false},
       }) {
    auto const settings = read(kLeast + c.more);
    ASSERT_TRUE(settings.ok()) << c.name << settings.error().detail();
    EXPECT_EQ(settings->crl.is_served, c.is_served) << c.name;
  }
  auto const set = read(std::string(kLeast) +
                        "[crl]\nlifetime = \"2d\"\nafter_revocation = \"0s\"\nshards = 16\n"
                        "revoke_possibly_issued = false\n");
  ASSERT_TRUE(set.ok()) << set.error().detail();
  EXPECT_EQ(set->crl.plan.lifetime, 2 * kDay);
  EXPECT_EQ(set->crl.plan.after_revocation, Seconds(0));
  EXPECT_EQ(set->crl.shards, 16u);
  EXPECT_FALSE(set->crl.revokes_possibly_issued);
}

TEST(ReadSettings, Ocsp) {
  auto const set = read(std::string(kLeast) + "[ocsp]\nserve = true\nlifetime = \"3d\"\n");
  ASSERT_TRUE(set.ok()) << set.error().detail();
  EXPECT_TRUE(set->ocsp.is_served);
  EXPECT_EQ(set->ocsp.lifetime, 3 * kDay);
}

TEST(ReadSettings, TheSigner) {
  auto const set = read(std::string(kLeast) + "[signer]\nprocess = false\nper_minute = 5\nper_day = 0\n");
  ASSERT_TRUE(set) << set.error().detail();
  EXPECT_FALSE(set->signer.process);
  EXPECT_EQ(set->signer.caps.per_minute, 5u);
  EXPECT_EQ(set->signer.caps.per_day, 0u);
  EXPECT_FALSE(read(std::string(kLeast) + "[signer]\nper_minute = -1\n"));
  auto const apart = read(std::string(kLeast) + "[signer]\nsocket = \"/run/s\"\nfront_user = \"lenscap-ca\"\n");
  ASSERT_TRUE(apart) << apart.error().detail();
  EXPECT_EQ(apart->signer.socket, "/run/s");
  EXPECT_EQ(apart->signer.front_user, "lenscap-ca");
  EXPECT_FALSE(read(std::string(kLeast) + "[signer]\nsocket = \"run/s\"\n"));
  EXPECT_FALSE(read(std::string(kLeast) + "[signer]\nsocket = \"/" + std::string(107, 'a') + "\"\n"));
  EXPECT_FALSE(read(std::string(kLeast) + "[signer]\nsocket = \"/run/s\"\nprocess = false\n"));
}

TEST(ReadSettings, Refusals) {
  struct Case {
    char const* name;
    std::string text;
    char const* says;
  };
  Case const cases[] = {
      {"no url", "", "server.url"},
      {"http url", "[server]\nurl = \"http://a\"\n", "https"},
      {"unknown key", std::string(kLeast) + "lissten = []\n", "listen"},
      {"unknown table", std::string(kLeast) + "[amce]\nx = 1\n", "amce"},
      {"listen without port", std::string(kLeast) + "listen = [\"0.0.0.0\"]\n", "ADDRESS:PORT"},
      {"listen by name", std::string(kLeast) + "listen = [\"localhost:443\"]\n", "ADDRESS:PORT"},
      {"IPv6 without brackets", std::string(kLeast) + "listen = [\"::1:443\"]\n", "ADDRESS:PORT"},
      {"a passphrase itself", std::string(kLeast) + "[ca]\npassphrase = \"hunter2\"\n", "never the passphrase itself"},
      {"profile with a path", std::string(kLeast) + "[ca]\nprofiles = [\"../x\"]\n", "profile"},
      {"no profile", std::string(kLeast) + "[ca]\nprofiles = []\n", "profile"},
      {"unknown challenge", std::string(kLeast) + "[acme]\nchallenges = [\"http-02\"]\n", "http-01"},
      {"port", std::string(kLeast) + "[acme]\nhttp_port = 0\n", "http_port"},
      {"resolver", std::string(kLeast) + "[acme]\nresolver = [\"dns.example\"]\n", "ADDRESS@PORT"},
      {"CAA word", std::string(kLeast) + "[acme]\ncaa = \"on\"\n", "lenient"},
      {"CAA name", std::string(kLeast) + "[acme]\ncaa_identities = [\"*.example\"]\n", "caa_identities"},
      {"CAA without a name", "[server]\nurl = \"https://10.20.0.1\"\n[acme]\ncaa = \"strict\"\n", "caa_identities"},
      {"DNSSEC word", std::string(kLeast) + "[acme]\ndnssec = \"on\"\n", "if-signed"},
      {"DNSSEC without anchors", std::string(kLeast) + "[acme]\ndnssec = \"require\"\n", "dnssec_anchors"},
      {"network", std::string(kLeast) + "[acme]\nmay_reach = [\"10.20.0.1/15\"]\n", "may_reach"},
      {"no connections", std::string(kLeast) + "connections_per_address = 0\n", "connections_per_address"},
      {"idle for ever", std::string(kLeast) + "idle = \"2h\"\n", "idle"},
      {"no pending orders", std::string(kLeast) + "[acme]\npending_orders = 0\n", "pending_orders"},
      {"limit without a time", std::string(kLeast) + "[acme.limits]\nnew_orders = \"1000\"\n", "COUNT/TIME"},
      {"limit of zero", std::string(kLeast) + "[acme.limits]\nnew_orders = \"0/1h\"\n", "none"},
      {"unknown limit", std::string(kLeast) + "[acme.limits]\nnew_order = \"1/1h\"\n", "new_orders"},
      {"no place at a host", std::string(kLeast) + "[acme.limits]\nvalidations_at_host = 0\n", "validations_at_host"},
      {"help without a scheme", std::string(kLeast) + "[acme]\nhelp_url = \"pki.example\"\n", "help_url"},
      {"padding word", std::string(kLeast) + "[acme]\ncsr_padding = \"yes\"\n", "csr_padding"},
      {"profile of nobody", std::string(kLeast) + "[acme.open]\nprofiles = [\"camera\"]\n", "ca.profiles"},
      {"wildcard suffix", std::string(kLeast) + "[acme.open]\nprove_dns = [\"*.cams.example\"]\n",
       "write cams.example"},
      {"replaces", std::string(kLeast) + "[acme]\nreplaces = \"ignore\"\n", "acme.replaces"},
      {"lists without plain HTTP", std::string(kLeast) + "http = []\n[crl]\nserve = true\n", "server.http is empty"},
      {"OCSP without plain HTTP", std::string(kLeast) + "http = []\n[ocsp]\nserve = true\n", "server.http is empty"},
      {"OCSP for a minute", std::string(kLeast) + "[ocsp]\nlifetime = \"1m\"\n", "from 1h to 3d"},
      {"OCSP for a week", std::string(kLeast) + "[ocsp]\nlifetime = \"7d\"\n", "from 1h to 3d"},
      {"lists for a minute", std::string(kLeast) + "[crl]\nlifetime = \"1m\"\n", "from 1h to 365d"},
      {"a pause beyond half the life", std::string(kLeast) + "[crl]\nafter_revocation = \"4d\"\n", "at most half"},
      {"no shard", std::string(kLeast) + "[crl]\nshards = 0\n", "crl.shards"},
      {"more shards than there may be", std::string(kLeast) + "[crl]\nshards = 257\n", "crl.shards"},
      {"finalize waits too long", std::string(kLeast) + "[acme]\nfinalize_wait = \"1m\"\n", "at most 25s"},
      {"accounts that end at once", std::string(kLeast) + "[acme]\nkeep_unused_accounts = \"1h\"\n", "at least 1d"},
      {"chaos percent", std::string(kLeast) + "[chaos]\nbad_nonce = 101\n", "chaos.bad_nonce"},
      {"chaos retry_after", std::string(kLeast) + "[chaos]\nretry_after = \"never\"\n", "mixed"},
      {"chaos reuse", std::string(kLeast) + "[chaos]\nreuse_authorizations = true\n", "reuse_authorizations"},
      {"chaos that takes for ever", std::string(kLeast) + "[chaos]\nslow_validation = \"2h\"\n", "at most 1h"},
      {"type", std::string(kLeast) + "[acme]\neab_required = 1\n", "eab_required"},
      {"no TOML", "[server", "ca.toml"},
  };
  for (auto const& c : cases) {
    auto const settings = read(c.text);
    ASSERT_FALSE(settings.ok()) << c.name;
    EXPECT_EQ(settings.error().code(), Errc::settings) << c.name;
    EXPECT_NE(settings.error().detail().find(c.says), std::string::npos) << c.name << ": " << settings.error().detail();
  }
}

TEST(LoadSettings, TheExampleOfConf) {
  auto const settings = load_settings(std::string(LENSCAP_SOURCE_DIR) + "/conf/ca.toml", "/state");
  ASSERT_TRUE(settings.ok()) << settings.error().detail();
  EXPECT_EQ(settings->ca_passphrase, "credential:lenscap-ca-key");
  EXPECT_EQ(settings->open_scope, Scope());
  EXPECT_EQ(settings->chaos, ChaosSettings());
}

TEST(SettingsText, IsReadBackAsItWasMeant) {
  NewSettings values;
  values.url = "https://pki.cams.example:8443";
  values.listen = {"127.0.0.1:8443"};
  values.http = {"127.0.0.1:8080", "[::1]:8080"};
  values.name = "A \"quoted\" name \\ with more";
  values.permit_dns = {"cams.example"};
  values.permit_ip = {"10.20.0.0/15"};
  values.passphrase = "file:/etc/lenscap/passphrase";
  auto const settings = read(settings_text(values));
  ASSERT_TRUE(settings.ok()) << settings.error().detail();
  EXPECT_EQ(settings->ca_name, values.name);
  EXPECT_EQ(settings->name_rules, ca::NameRules());
  EXPECT_EQ(settings->ca_passphrase, values.passphrase);
  EXPECT_EQ(settings->may_reach.size(), 1u);
  EXPECT_EQ(settings->http.size(), 2u);
  values.http = {};
  EXPECT_TRUE(read(settings_text(values))->http.empty());
  values.name_rules = {.permit_email = {".example"},
                       .permit_uri = {"a.example"},
                       .permit_directory = {"O=\"A\\,B,C=DE"},
                       .exclude_dns = {"b.cams.example", "c.cams.example"},
                       .exclude_ip = {"10.21.0.0/16"},
                       .exclude_email = {"x@c.example"},
                       .exclude_uri = {"d.example"},
                       .exclude_directory = {"O=E"}};
  EXPECT_EQ(read(settings_text(values))->name_rules, values.name_rules);
}

// --- a command that changes where the key is ---

constexpr char const* kKeyUri = "pkcs11:token=ca;object=issuing?module-path=/usr/lib/softhsm/libsofthsm2.so";

TEST(SettingsWithKey, ChangesTheOneValueAndNothingElse) {
  NewSettings values;
  values.url = "https://pki.cams.example";
  values.name = "key = \"of a name\"";
  auto const before = settings_text(values);
  auto expected = before;
  std::string const was = "\"file:keys/issuing.key\"";
  expected.replace(expected.find(was), was.size(), "\"" + std::string(kKeyUri) + "\"");
  EXPECT_EQ(settings_with_key(before, kKeyUri).value(), expected);
  // Written by a person.
  EXPECT_EQ(settings_with_key("[server]\nkey = 'a'\n [ ca ]  # ours\n\tkey='b' # where it is\n[other]\nkey = 'c'", "x")
                .value(),
            "[server]\nkey = 'a'\n [ ca ]  # ours\n\tkey=\"x\" # where it is\n[other]\nkey = 'c'");
}

// What stands there in another way is not guessed at.
TEST(SettingsWithKey, WhatIsNoLineOfItsOwnIsLeftToAPerson) {
  for (auto const* text :
       {"[ca]\nname = \"A\"\n", "ca.key = \"a\"\n", "ca = { key = \"a\" }\n", "", "[acme]\nkey = \"a\"\n",
        "[ca]\nname = \"\"\"\nkey = \"a\"\n\"\"\"\n", "[ca]\nkey = \"\"\"a\"\"\"\n"}) {
    SCOPED_TRACE(text);
    auto const refused = settings_with_key(text, kKeyUri);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::settings);
  }
  EXPECT_NE(settings_with_key("", "x").error().detail().find("give the command again without --key"),
            std::string::npos);
}

}  // namespace
}  // namespace lenscap::acme
