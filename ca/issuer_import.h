// A CA key that comes from elsewhere with its certificate: judged like what a parent signs for a key of ours, and kept
// as our own keys are, or left in the token that has it. It does NOT read foreign files; base/x509/bundle.h does.
#pragma once

#include <optional>
#include <string>

#include "base/file_set.h"
#include "base/x509/bundle.h"
#include "ca/key_holder.h"
#include "ca/parent_rules.h"

namespace lenscap::ca {

struct IssuerImport {
  x509::PrivateKey key;
  ParentVerdict verdict;
};

// Of all that the files held, in any order. Errc::settings in plain words: no key or several, a key that does not fit
// the certificate or itself, and everything that judge_parent_chain() refuses.
Result<IssuerImport> judge_import(x509::Bundle bundle, Time now);

// Puts key, request and chain into STATE/keys in place of what `init --intermediate` made, or changes nothing: the
// chain comes last, and until it is there, nothing is issued and the former key is kept, whose request a parent may
// have. `passphrase` has to be the one of the key that is replaced (Errc::wrong_passphrase otherwise): the server goes
// on with it. Errc::conflict when what is installed cannot be followed by this (check_follows()). Takes about 1 s:
// scrypt.
Result<> install_import(std::string const& state_dir, IssuerImport const& made, std::string const& request,
                        SecretBytes const& passphrase);

// The same for a key that a token has: it signs something, to show that it is the certificate's. Also Errc::unavailable
// when it does not answer.
Result<ParentVerdict> judge_token_import(std::vector<x509::Certificate> const& given, KeyHolder& key, Time now);

// Puts request, chain and, where they are to name another place of the key, the settings in place of those that there
// are, or changes nothing. No key is written or removed. Errc::conflict as above.
Result<> install_token_import(std::string const& state_dir, ParentVerdict const& verdict, std::string const& request,
                              std::optional<ReplacedFile> settings);

}  // namespace lenscap::ca
