#include "acme/server/new_settings.h"

#include <regex>

#include "acme/server/validator.h"
#include "base/config.h"
#include "base/json.h"

namespace lenscap::acme {
namespace {

std::string quoted(std::string_view text) { return json::write(json::Value(text)); }  // TOML's basic strings are JSON's

std::string list(std::vector<std::string> const& texts) {
  std::string out = "[";
  for (auto const& text : texts) out += (out.size() > 1 ? ", " : "") + quoted(text);
  return out + "]";
}

// Only those that were given: the others have no default to show.
std::string name_rules_text(ca::NameRules const& rules) {
  std::string out;
  auto const add = [&](char const* key, std::vector<std::string> const& texts) {
    if (!texts.empty()) out += std::string(key) + " = " + list(texts) + "\n";
  };
  add("permit_email", rules.permit_email);
  add("permit_uri", rules.permit_uri);
  add("permit_directory", rules.permit_directory);
  add("exclude_dns", rules.exclude_dns);
  add("exclude_ip", rules.exclude_ip);
  add("exclude_email", rules.exclude_email);
  add("exclude_uri", rules.exclude_uri);
  add("exclude_directory", rules.exclude_directory);
  return out;
}

}  // namespace

std::string settings_text(NewSettings const& v) {
  return "# Settings of lenscap-ca, written by `lenscap-ca init`. What stands behind a # is the default.\n"
         "\n"
         "[server]\n"
         "url    = " +
         quoted(v.url) +
         "    # where clients reach this server; goes into every URL that it hands out\n"
         "listen = " +
         list(v.listen) +
         "\n"
         "http   = " +
         list(v.http) +
         "    # plain HTTP: root and issuing certificate, revocation list; nothing of ACME\n"
         "\n"
         "[ca]\n"
         "name       = " +
         quoted(v.name) +
         "\n"
         "permit_dns = " +
         list(v.permit_dns) +
         (v.is_intermediate ? "    # never more than this and the parent's certificates permit\n"
                            : "    # fixed in the certificates; written here for the reader\n") +
         "permit_ip  = " + list(v.permit_ip) + "\n" + name_rules_text(v.name_rules) + "key        = " + quoted(v.key) +
         "\n"
         "passphrase = " +
         quoted(v.passphrase) +
         "    # \"credential:NAME\" (systemd; by hand you are asked), \"file:PATH\" or \"prompt\"\n"
         "# profiles = [\"camera-https\", \"camera-https-cn\"]    # offered files of profiles/; the first is the "
         "default\n"
         "\n"
         "[acme]\n"
         "# eab_required = true\n"
         "# terms_of_service = \"https://...\"    # who asks for an account has to agree; a new URL asks anew\n"
         "# challenges   = " +
         list(validator_types()) +
         "    # offered in this order\n"
         "# allow_wildcards = false\n"
         "# replaces     = \"lenient\"\n"
         "# http_port    = 80\n"
         "# tls_port     = 443\n"
         "# redirects    = false\n"
         "# resolver     = []    # empty: the system's; or [\"10.0.0.53\", \"127.0.0.1@8053\"]\n"
         "# caa          = \"off\"    # off, lenient or strict: whether names may say by CAA who issues for them\n"
         "# dnssec       = \"if-signed\"    # off, if-signed or require; checks what dnssec_anchors = [FILE] cover\n"
         "may_reach = " +
         list(v.permit_ip) +
         "    # networks that validation may contact; nothing else ever is\n"
         "\n"
         "# [acme.limits]    # of one address, account or name; see conf/ca.toml\n"
         "# new_orders = \"20000/1h\"\n"
         "\n"
         "# [acme.open]    # what accounts without an EAB key may ask for, when eab_required is false\n"
         "# prove_dns = []\n"
         "# prove_ip  = []\n"
         "\n"
         "# [crl]    # the revocation list that certificates name, served over plain HTTP; see conf/ca.toml\n"
         "# serve    = true\n"
         "# lifetime = \"7d\"\n"
         "\n"
         "# [ocsp]    # answers for each certificate, served over plain HTTP; certificates name them then\n"
         "# serve    = false\n"
         "\n"
         "# [signer]    # the process that has the issuing key; see conf/ca.toml\n"
         "# process    = true\n"
         "# per_minute = 3000\n"
         "\n"
         "[store]\n"
         "url = \"lmdb:db\"\n"
         "# free_space_min = \"256MiB\"    # with less on the disk there are no new orders; revocation goes on\n"
         "# ballast        = \"64MiB\"     # a file that holds room on the disk, to be deleted when it is full\n";
}

Result<std::string> settings_with_key(std::string const& text, std::string const& key) {
  static std::regex const kTable(R"(\s*\[\s*([^\]]*?)\s*\].*)");
  static std::regex const kLine(R"((\s*key\s*=\s*)("[^"\\]*"|'[^']*')(.*))");
  std::string changed;
  bool is_ca = false;
  int changes = 0;
  for (std::size_t at = 0; at < text.size();) {
    auto const end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    std::smatch found;
    if (std::regex_match(line, found, kTable)) is_ca = found[1] == "ca";
    if (is_ca && std::regex_match(line, found, kLine)) {
      line = found[1].str() + quoted(key) + found[3].str();
      ++changes;
    }
    changed += line;
    if (end < text.size()) changed += '\n';
    at = end + 1;
  }
  // Inside a text of several lines such a line is none of the table.
  if (auto reader = config::Reader::parse(changed, "ca.toml"); changes == 1 && reader.ok())
    if (reader->string("ca.key", "") == key) return changed;
  return Error(Errc::settings, "no line key = \"...\" in the table [ca] could be changed: write there key = " +
                                   quoted(key) + " by hand, and give the command again without --key");
}

}  // namespace lenscap::acme
