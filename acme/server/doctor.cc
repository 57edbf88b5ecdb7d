#include "acme/server/doctor.h"

#include <algorithm>

#include "acme/flow/room_rules.h"
#include "ca/ceremony.h"
#include "ca/clock_mark.h"
#include "ca/root_crl.h"

namespace lenscap::acme {
namespace {

using All = std::vector<Diagnosis>;

std::string days(Seconds span) { return std::to_string(span / kDay) + " days"; }

// --- clock ---

All judge_clock(Facts const& facts) {
  if (facts.now < facts.issuing.not_before)
    return {{.severity = Severity::critical,
             .what = "the clock says " + to_rfc3339(facts.now) + ", which is before the issuing certificate begins",
             .to_do = "set the clock, and let a time server keep it"}};
  if (auto const fine = ca::check_clock(facts.clock_mark, facts.now); !fine)
    return {{.severity = Severity::critical, .what = fine.error().detail(), .to_do = "set the clock"}};
  if (facts.clock_mark && facts.now < *facts.clock_mark)
    return {{.severity = Severity::advice,
             .what = "the clock was set back since the last certificate, by less than is refused",
             .to_do = "let a time server keep the clock"}};
  if (facts.clock_is_kept == false)
    return {{.severity = Severity::advice,
             .what = "nothing keeps this machine's clock; what is signed by one that is wrong is refused, or lasts too "
                     "long",
             .to_do = "let a time server keep the clock: systemd-timesyncd or chrony"}};
  return {};
}

// --- expiry ---

// A new root has to reach everybody who trusts the old one, which takes months; a new issuing CA only the clients that
// renew.
constexpr Seconds kRootWarns = 2 * 365 * kDay, kRootCritical = 180 * kDay;
constexpr Seconds kIssuingWarns = 365 * kDay, kIssuingCritical = 90 * kDay;

All judge_expiry(std::string const& what, Time ends, Time now, Seconds warns, Seconds critical,
                 std::string const& to_do) {
  if (ends <= now)
    return {{.severity = Severity::critical, .what = "the " + what + " ended at " + to_rfc3339(ends), .to_do = to_do}};
  auto const left = std::chrono::duration_cast<Seconds>(ends - now);
  if (left >= warns) return {};
  return {{.severity = left < critical ? Severity::critical : Severity::warning,
           .what = "the " + what + " ends in " + days(left) + ", at " + to_rfc3339(ends),
           .to_do = to_do}};
}

All judge_root_expiry(Facts const& facts) {
  return judge_expiry(
      "root certificate", facts.root.not_after, facts.now, kRootWarns, kRootCritical,
      facts.has_parent ? "ask the parent which root follows; install the chain that leads to it (lenscap-ca issuer "
                         "install), and let everybody trust it"
                       : "lenscap-ca root roll-over; let everybody trust the next root, which lenscap-ca root status "
                         "counts, and then let chains lead to it");
}

std::string how_to_replace(Facts const& facts) {
  if (facts.is_of_parent && facts.pending.empty())
    return "send the request (lenscap-ca issuer csr) to the parent again, and install what comes back (lenscap-ca "
           "issuer install); or, for a new key, lenscap-ca issuer roll-over";
  if (facts.is_of_parent)
    return "have the parent sign what lenscap-ca issuer csr prints, and install what comes back (lenscap-ca issuer "
           "install)";
  return "lenscap-ca issuer roll-over" + (facts.issuer.empty() ? "" : " --of " + facts.issuer);
}

All judge_issuer_expiry(Facts const& facts) {
  auto const which = facts.issuer.empty() ? std::string() : " of the issuer " + facts.issuer;
  auto all =
      judge_expiry("issuing certificate" + which, facts.issuing.not_after, facts.now, kIssuingWarns, kIssuingCritical,
                   how_to_replace(facts) + "; until then no certificate lives longer than this one");
  for (auto const& each : facts.between)
    for (auto& found : judge_expiry("certificate of \"" + each.subject + "\", above the issuing one,",
                                    each.validity.not_after, facts.now, kIssuingWarns, kIssuingCritical,
                                    "ask the parent for a new chain, and install it (lenscap-ca issuer install)"))
      all.push_back(std::move(found));
  return all;
}

All judge_root_key(Facts const& facts) {
  if (!facts.root_key_is_here) return {};
  return {{.severity = Severity::warning,
           .what = "the root's key is on this machine, though the service never needs it",
           .to_do = "lenscap-ca root seal --to DIRECTORY, on a medium that is then taken away"}};
}

All judge_issuers(Facts const& facts) {
  if (facts.revoked.empty() && !facts.pending.empty())
    return {{.severity = Severity::advice,
             .what = facts.pending + " waits for its certificate, which the parent makes",
             .to_do = "have the parent sign what lenscap-ca issuer csr prints; then lenscap-ca issuer install"}};
  if (facts.revoked.empty()) return {};
  std::string names;
  for (auto const& each : facts.revoked) names += (names.empty() ? "" : ", ") + each;
  if (!facts.is_any_active)
    return {{.severity = Severity::critical,
             .what = "revoked: " + names + ", and no other issuer signs: orders get 503",
             .to_do = "lenscap-ca issuer roll-over, or issuer create, and reload the service"}};
  return {{.severity = Severity::advice,
           .what = "revoked: " + names + "; cameras that have its certificates are told to renew",
           .to_do = "nothing when all have; their clients trust the root still, see \"When a key is stolen\""}};
}

All judge_root_crl(Facts const& facts) {
  constexpr char const* kToDo = "open the root and run lenscap-ca root crl (--root-key FILE), then reload the service";
  All all;
  for (auto const& list : facts.root_lists) {
    auto const say = [&](Severity severity, std::string const& what) {
      all.push_back({.severity = severity, .what = "the revocation list of " + list.root + what, .to_do = kToDo});
    };
    if (!list.made) {
      say(Severity::advice, " was never made: a stolen issuing key would cost the root");
      continue;
    }
    auto const& [begins, ends] = *list.made;
    auto const left =
        " ends in " + days(std::chrono::duration_cast<Seconds>(ends - facts.now)) + ", at " + to_rfc3339(ends);
    switch (ca::age_at(begins, ends, facts.now)) {
      case ca::RootCrlAge::fresh:
        break;
      case ca::RootCrlAge::ending:
        say(Severity::warning, left);
        break;
      case ca::RootCrlAge::urgent:
        say(Severity::critical, left);
        break;
      case ca::RootCrlAge::ended:
        say(Severity::critical, " ended at " + to_rfc3339(ends) + ": strict clients refuse every certificate");
        break;
    }
  }
  return all;
}

// --- back-up ---

constexpr Seconds kBackupWarns = 7 * kDay, kBackupCritical = 30 * kDay;

All judge_backup(Facts const& facts) {
  constexpr char const* kToDo = "lenscap-ca backup create FILE, each day, to another machine";
  if (!facts.last_backup) return {{.severity = Severity::warning, .what = "there was never a back-up", .to_do = kToDo}};
  auto const age = std::chrono::duration_cast<Seconds>(facts.now - *facts.last_backup);
  if (age <= kBackupWarns) return {};
  return {{.severity = age > kBackupCritical ? Severity::critical : Severity::warning,
           .what = "the last back-up is of " + to_rfc3339(*facts.last_backup) + ", " + days(age) + " ago",
           .to_do = kToDo}};
}

All judge_restore(Facts const& facts) {
  if (!facts.gap) return {};
  return {{.severity = Severity::critical,
           .what = "restored at " + to_rfc3339(facts.gap->until) + " from a back-up of " + to_rfc3339(facts.gap->from) +
                   ", and nobody has confirmed it, so nothing is issued",
           .to_do = "make sure that the old machine does not run any more; then lenscap-ca restore confirm, and start "
                    "the service"}};
}

// --- audit trail ---

All judge_audit(Facts const& facts) {
  if (facts.audit_fault.empty()) return {};
  return {{.severity = Severity::critical,
           .what = "the audit trail is not as it was written, so nothing is issued: " + facts.audit_fault,
           .to_do = "find out who could write the store, and keep a copy; then restore a back-up, or lenscap-ca audit "
                    "accept-break"}};
}

// --- permissions ---

std::string octal(unsigned mode) {
  std::string text = "0000";
  for (std::size_t i = 4; i > 0; --i, mode >>= 3) text[i - 1] = static_cast<char>('0' + (mode & 7));
  return text;
}

All judge_permissions(Facts const& facts) {
  All all;
  for (auto const& file : facts.files) {
    unsigned const open_to = file.secret ? 077 : 022;  // read, and written, by others
    if ((file.mode & open_to) != 0)
      all.push_back({.severity = Severity::critical,
                     .what = file.path + " has mode " + octal(file.mode) + ": others may " +
                             (file.secret ? "read it" : "change it"),
                     .to_do = "chmod " + octal(file.mode & ~open_to) + " " + file.path +
                              (file.secret ? "; if somebody may have read a key, see \"Revoke\"" : "")});
    if (!file.is_ours)
      all.push_back({.severity = Severity::warning,
                     .what = file.path + " belongs to another user than the state directory",
                     .to_do = "chown it to the user of the service; an editor of root may have made it, or a command "
                              "of an older version"});
  }
  return all;
}

// --- space ---

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kSpaceWarns = 1024 * kMiB;

constexpr char const* kNothingNew = ", so no new orders are taken";

void judge_disk(Facts const& facts, All& all) {
  if (facts.space_free >= kSpaceWarns) return;
  bool const takes_nothing_new = facts.space_free < facts.space_min;
  std::string to_do = "make room: a write that fails ends the service";
  if (takes_nothing_new && facts.ballast_there != 0)
    to_do += "; " + facts.ballast_file + " holds " + std::to_string(facts.ballast_there / kMiB) +
             " MiB that may be deleted at once";
  all.push_back({.severity = takes_nothing_new ? Severity::critical : Severity::warning,
                 .what = "the disk of the store has " + std::to_string(facts.space_free / kMiB) + " MiB left" +
                         (takes_nothing_new ? kNothingNew : ""),
                 .to_do = std::move(to_do)});
}

void judge_store(Facts const& facts, All& all) {
  auto verdict = judge_room({.store_used = facts.store_used, .store_max = facts.store_max}, 0);
  if (verdict.room == Room::enough) return;
  bool const takes_nothing_new = verdict.room == Room::for_old_alone;
  all.push_back({.severity = takes_nothing_new ? Severity::critical : Severity::warning,
                 .what = std::move(verdict.why) + (takes_nothing_new ? kNothingNew : ""),
                 .to_do = "let it grow further (store.size_max, and start the service anew), or keep less "
                          "(acme.keep_orders)"});
}

void judge_ballast(Facts const& facts, All& all) {
  if (!facts.clock_mark || facts.ballast_there >= facts.ballast) return;
  all.push_back({.severity = Severity::advice,
                 .what = facts.ballast_file + " is not there: when the disk is full there will be nothing to delete",
                 .to_do = "make room: the service makes the file by itself as soon as there is enough"});
}

All judge_space(Facts const& facts) {
  All all;
  judge_disk(facts, all);
  judge_store(facts, all);
  judge_ballast(facts, all);
  return all;
}

// --- passphrase ---

All judge_passphrase(Facts const& facts) {
  if (facts.passphrase.starts_with("credential:")) return {};
  if (facts.passphrase_is_beside)
    return {{.severity = Severity::warning,
             .what = "the issuing key's passphrase lies in a file beside the key: who copies the folder has both",
             .to_do = "use a systemd credential (\"Serve\"), and remove the file"}};
  if (facts.passphrase.starts_with("file:"))
    return {{.severity = Severity::advice,
             .what = "the issuing key's passphrase lies in a file of this machine, unsealed",
             .to_do = "use a systemd credential, which the machine's own key or its TPM seals"}};
  return {{.severity = Severity::advice,
           .what = "the issuing key's passphrase is asked for at each start: after a power cut nothing is served "
                   "until somebody types it",
           .to_do = "keep it so if that is meant; otherwise use a systemd credential"}};
}

// --- constraints ---

All judge_width(x509::NameConstraints const& constraints, std::string const& whose) {
  ca::CeremonySettings permitted;
  for (auto const& each : constraints.permitted_dns) permitted.permit_dns.push_back(each.name().text());
  for (auto const& block : constraints.permitted_ip) permitted.permit_ip.push_back(block.text());
  All all;
  for (auto const& warning : ca::ceremony_warnings(permitted))
    all.push_back({.severity = Severity::advice,
                   .what = warning,
                   .to_do = "nothing now: what a root permits cannot be changed; the next CA can be narrower"});
  if (constraints.permitted_ip.empty() && constraints.excluded_ip.empty())
    all.push_back({.severity = Severity::warning,
                   .what = whose + " limits names, and no addresses: it may name every address",
                   .to_do = "exclude all addresses, or permit the cameras' networks alone, with the next CA"});
  if (constraints.permitted_dns.empty() && !constraints.excludes_all_dns)
    all.push_back({.severity = Severity::warning,
                   .what = whose + " limits addresses, and no DNS names: it may name every host",
                   .to_do = "exclude all DNS names, or permit your own suffix alone, with the next CA"});
  return all;
}

All judge_constraints(Facts const& facts) {
  if (!facts.constraints && facts.has_constrained_issuer)
    return {{.severity = Severity::warning,
             .what = "the issuing certificate may name anything, and its key is still here, though an issuer with "
                     "constraints signs in its place: who steals that key can be any web site",
             .to_do = "nothing, if the parent gives no other certificate: the key signs revocation lists, and further "
                      "issuers"}};
  if (!facts.constraints && !facts.how_to_constrain.empty())
    return {{.severity = Severity::warning,
             .what = "the issuing certificate may name anything: who steals its key can be any web site",
             .to_do = facts.how_to_constrain}};
  if (!facts.constraints)
    return {
        {.severity = Severity::warning,
         .what = "the issuing certificate may name anything: who steals its key can be any web site",
         .to_do = "make a CA with constraints, or an issuing certificate with constraints below this one's parent"}};
  auto all = judge_width(*facts.constraints, "the issuing certificate");
  for (auto const& each : facts.further) {
    auto const whose = "the certificate of the issuer " + each.name;
    if (!each.constraints)
      all.push_back({.severity = Severity::warning,
                     .what = whose + " may name anything: who steals its key can be any web site",
                     .to_do = "replace it by one with constraints: lenscap-ca issuer create"});
    else
      for (auto& found : judge_width(*each.constraints, whose))
        if (std::ranges::find(all, found.what, &Diagnosis::what) == all.end()) all.push_back(std::move(found));
  }
  return all;
}

// --- whom scopes name ---

// One line for each issuer: who put its folder away has one thing to do, and not one for each key.
All judge_scopes(Facts const& facts) {
  All all;
  for (auto const& each : facts.idle) {
    constexpr std::size_t kNamed = 3;
    std::string who;
    for (std::size_t i = 0; i < std::min(kNamed, each.named_by.size()); ++i)
      who += (who.empty() ? "" : ", ") + each.named_by[i];
    if (each.named_by.size() > kNamed) who += " and " + std::to_string(each.named_by.size() - kNamed) + " more";
    all.push_back({.severity = Severity::warning,
                   .what = "who orders under " + who + " gets nothing: " + each.why,
                   .to_do = "put the issuer's folder back, or let a roll-over take its place; else revoke these keys "
                            "(lenscap-ca eab revoke), or take acme.open.issuer out of ca.toml"});
  }
  return all;
}

// --- what the service makes anew by itself ---

// The service tries each minute; after an hour it is no accident any more.
constexpr Seconds kLate = kHour;
constexpr char const* kStart = "start or reload the service, or look in its log for why it makes none";

bool is_late(Facts::Validity const& validity, int numerator, int denominator, Time now) {
  return now >= validity.not_before + (validity.not_after - validity.not_before) * numerator / denominator + kLate;
}

// Lists are made together, so what is wrong with one is wrong with all: one line for each kind of harm.
All judge_crl(Facts const& facts) {
  if (!facts.clock_mark) return {};  // a CA that signed nothing needs none
  std::size_t unbegun = 0, missing = 0, ended = 0, late = 0;
  for (auto const& list : facts.lists) {
    if (!list.made)
      ++(list.is_of_new_issuer ? unbegun : missing);
    else if (facts.now >= list.made->not_after)
      ++ended;
    else if (is_late(*list.made, 1, 2, facts.now))
      ++late;
  }
  All all;
  auto const say = [&](std::size_t count, Severity severity, std::string const& what) {
    auto const of = std::to_string(count) + " of " + std::to_string(facts.lists.size()) + " revocation lists ";
    if (count != 0) all.push_back({.severity = severity, .what = of + what, .to_do = kStart});
  };
  say(unbegun, Severity::warning, "are of an issuer that the service does not know yet");
  say(missing, Severity::critical, "were never made: strict clients refuse every certificate");
  say(ended, Severity::critical, "are past their next update: strict clients refuse every certificate");
  say(late, Severity::warning, "should have been made anew at half of their life, and were not");
  return all;
}

// Answers are made when they are asked for, and never kept beyond half of their life: what can be old is the signer.
All judge_ocsp(Facts const& facts) {
  if (!facts.ocsp_is_served || !facts.clock_mark) return {};
  if (!facts.ocsp_signer)
    return {{.severity = Severity::critical,
             .what = "OCSP is on, and there is no certificate that signs answers",
             .to_do = kStart}};
  auto const& signer = *facts.ocsp_signer;
  if (facts.now >= signer.not_after)
    return {{.severity = Severity::critical,
             .what = "the certificate that signs OCSP answers ended at " + to_rfc3339(signer.not_after) +
                     ": clients are told to try later",
             .to_do = kStart}};
  if (is_late(signer, 1, 2, facts.now))
    return {{.severity = Severity::warning,
             .what = "the certificate that signs OCSP answers should have been renewed; it ends at " +
                     to_rfc3339(signer.not_after),
             .to_do = kStart}};
  return {};
}

All judge_server_certificate(Facts const& facts) {
  if (!facts.clock_mark) return {};
  if (!facts.server_certificate)
    return {{.severity = Severity::warning,
             .what = "there is no certificate for the host of server.url",
             .to_do = "restart the service: it makes one for the host that the settings name"}};
  auto const& own = *facts.server_certificate;
  if (facts.now >= own.not_after)
    return {{.severity = Severity::critical,
             .what = "the server's own certificate ended at " + to_rfc3339(own.not_after) + ": no client connects",
             .to_do = kStart}};
  if (is_late(own, 2, 3, facts.now))
    return {{.severity = Severity::warning,
             .what = "the server's own certificate should have been renewed; it ends at " + to_rfc3339(own.not_after),
             .to_do = kStart}};
  return {};
}

constexpr Check kChecks[] = {
    {"clock", judge_clock},
    {"root_expiry", judge_root_expiry},
    {"issuer_expiry", judge_issuer_expiry},
    {"root_key", judge_root_key},
    {"root_crl", judge_root_crl},
    {"issuers", judge_issuers},
    {"backup", judge_backup},
    {"restore", judge_restore},
    {"audit", judge_audit},
    {"permissions", judge_permissions},
    {"space", judge_space},
    {"passphrase", judge_passphrase},
    {"constraints", judge_constraints},
    {"scopes", judge_scopes},
    {"crl", judge_crl},
    {"ocsp", judge_ocsp},
    {"server_certificate", judge_server_certificate},
};

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::good:
      return "good";
    case Severity::advice:
      return "advice";
    case Severity::warning:
      return "warning";
    case Severity::critical:
      return "critical";
  }
  bug("unknown Severity");
}

std::span<Check const> checks() { return kChecks; }

std::vector<Diagnosis> examine(Facts const& facts) {
  All all;
  for (auto const& check : kChecks) {
    auto found = check.judge(facts);
    if (found.empty()) found.push_back({});
    for (auto& diagnosis : found) {
      diagnosis.check = check.name;
      all.push_back(std::move(diagnosis));
    }
  }
  return all;
}

Severity worst_of(std::vector<Diagnosis> const& all) {
  Severity worst = Severity::good;
  for (auto const& diagnosis : all) worst = std::max(worst, diagnosis.severity);
  return worst;
}

}  // namespace lenscap::acme
