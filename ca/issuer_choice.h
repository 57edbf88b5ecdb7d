// Which issuer makes a certificate, where a CA has several. Pure: certificates are read beforehand, and time is a
// parameter. It does NOT make or judge certificates: issuer.h does, whoever was chosen.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ca/name_limits.h"
#include "ca/profile.h"

namespace lenscap::ca {

// What is to be known of an issuer to choose it.
struct IssuerRule {
  std::string name = {};  // kDefaultIssuer, or that of its folder in STATE/issuers
  // Of the default issuer's line: the default itself, and what a roll-over put in its place. All others were made for a
  // site or for profiles.
  bool is_default = false;
  std::vector<std::string> profiles = {};                 // that it serves; empty: all
  std::vector<ExtendedKeyUsage> usages = {};              // that no certificate of its chain forbids
  std::optional<x509::NameConstraints> constraints = {};  // its own; nothing: it is not limited by itself
  std::vector<NameLimit> limits = {};                     // of its whole chain, and of the settings
  Time begins = Time::min(), ends = Time::max();          // validity of its whole chain, both ends included
  Time active_from = Time::min();                         // before, it is published and signs no certificates
  Time retired_from = Time::max();                        // from then on another has its place
  std::string replaces = {};            // the issuer whose place it takes when it becomes active; empty: none's
  std::optional<Time> revoked_at = {};  // by the list of its root: for good
};
constexpr char const* kDefaultIssuer = "default";

enum class IssuerState {
  published,  // clients can know it, and it signs no certificates yet
  active,
  retired,  // it signs no certificates any more; its revocation lists and OCSP answers go on until it ends
  revoked,  // the same, and nobody is to believe what it signed: a thief who has its key makes lists and answers, too
  ended,    // its chain is not valid any more: nothing of it can be
};
IssuerState state_at(IssuerRule const& issuer, Time now);
std::string_view to_string(IssuerState state);  // "published"

// Whose certificate it is that is to be signed.
enum class Holder {
  subscriber,
  server,  // what the server itself shows: it has to be reached, to say that nothing is issued
};
constexpr std::string_view kServerProfile = "server";  // of the certificate that the server shows

// May it sign certificates of this profile now, as far as its state and its profiles go? What signs OCSP answers is of
// every issuer, and of a retired or revoked one as long as its certificates live. One that is revoked signs for the
// server, too. Errc::no_issuer, with a time to come again where a person has to make another issuer, or
// invalid_profile, in words.
Result<> check_serves(IssuerRule const& issuer, Profile const& profile, Time now, Holder holder = Holder::subscriber);

// Can it ever make certificates of this profile, by what it serves and by the usages that its chain leaves?
// Errc::invalid_profile, in words.
Result<> check_fits(IssuerRule const& issuer, Profile const& profile);

// Its place in `all`. Among those that are active, serve the profile, are good for its usages, and may name every name:
// one that was made for a site or for profiles comes before the default's line; then one whose constraints lie inside
// another's before that other; then the one that became active last; then by name. Nothing: nobody may.
std::optional<std::size_t> choose_issuer(std::vector<IssuerRule> const& all, Profile const& profile,
                                         x509::NameSet const& names, Time now);

// --- where one is named: nothing but it signs, or what has taken its place ---

// The issuer of this name, or the last of those that a roll-over has put in its place by now, whatever its state is.
// Never one that it replaced. Its place in `all`; nothing: there is no such issuer.
std::optional<std::size_t> find_heir(std::vector<IssuerRule> const& all, std::string_view name, Time now);

// The same, if it signs certificates now. Errc::no_issuer where there is none, where it is not active yet or any
// more, and where its chain is not valid.
Result<std::size_t> heir_at(std::vector<IssuerRule> const& all, std::string_view name, Time now);

// The same, if it may make this certificate: never another. Also Errc::invalid_profile, and rejected_identifier with
// one sub-error for each name that it may not carry.
Result<std::size_t> choose_heir(std::vector<IssuerRule> const& all, std::string_view name, Profile const& profile,
                                x509::NameSet const& names, Time now);

// --- where nobody may ---

// Of the default's line, the one whose time this is: who says why, when nobody may. There has to be a default.
std::size_t default_at(std::vector<IssuerRule> const& all, Time now);

}  // namespace lenscap::ca
