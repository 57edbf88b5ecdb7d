#include "acme/server/commands/root_key.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/passphrase.h"
#include "ca/ceremony.h"
#include "ca/root_seal.h"
#include "ca/root_share_text.h"

namespace lenscap::acme {

void add_root_key_options(CLI::App& command, RootKeyOptions& options) {
  command.add_option("--root-key", options.file,
                     "The root's key, where root seal has put it; without it the one in the state directory");
  auto* const passphrase = command.add_option("--passphrase-file", options.passphrase_file,
                                              "File with the root key's passphrase; without it you are asked");
  command
      .add_option("--share", options.shares,
                  "File with a share of the root key's passphrase, once for each; without it you are asked for shares "
                  "where the key is sealed in them")
      ->allow_extra_args(false)
      ->excludes(passphrase);
}

// --- shares ---

namespace {

Result<std::vector<ca::RootShare>> read_shares(std::vector<std::string> const& files,
                                               std::optional<ca::Sealing> sealing) {
  std::vector<ca::RootShare> shares;
  for (auto const& file : files) {
    TRY(auto const text, read_secret_file(file, ca::kShareFileBytesMax));
    auto share = ca::parse_share_file(text.text());
    if (!share.ok()) return std::move(share).error().with_context(file + ": ");
    if (!sealing) sealing = share->sealing;
    if (auto const belongs = ca::check_belongs(*sealing, *share); !belongs)
      return Error(belongs.error()).with_context(file + ": ");
    shares.push_back(*std::move(share));
  }
  return shares;
}

// One after the other, as the people come to the terminal. Who mistypes is asked again; to enter nothing ends it.
Result<std::vector<ca::RootShare>> ask_for_shares(ca::Sealing const& sealing) {
  std::vector<ca::RootShare> shares;
  std::string mistake;
  while (shares.size() < sealing.count.needed) {
    auto const question =
        fmt::format("{}Enter a share of sealing {} ({} of {}): its number, the share and its check in one line",
                    mistake, sealing.id, shares.size() + 1, sealing.count.needed);
    TRY(auto const line, ask_unseen(question, "give the files of the shares (--share)"));
    auto share = ca::parse_typed_share(sealing, line.text());
    mistake = share.ok() ? "" : share.error().detail() + ". Once more.\n";
    if (!share.ok()) continue;
    if (std::ranges::find(shares, share->number, &ca::RootShare::number) == shares.end())
      shares.push_back(*std::move(share));
    else
      mistake = fmt::format("Share {} was entered already; another one is needed.\n", share->number);
  }
  return shares;
}

struct Words {
  SecretBytes passphrase;
  bool of_shares = false;
};

Result<Words> words_of_shares(std::optional<ca::Sealing> const& sealing, std::vector<std::string> const& files) {
  TRY(auto const shares, files.empty() ? ask_for_shares(*sealing) : read_shares(files, sealing));
  TRY(auto passphrase, ca::combine(sealing ? *sealing : shares.front().sealing, shares));
  return Words{std::move(passphrase), true};
}

Result<Words> read_words(std::string const& file, SecretBytes const& key, RootKeyOptions const& options) {
  if (!options.passphrase_file.empty()) {  // also of a key in shares: somebody may have combined them elsewhere
    TRY(auto const words, read_passphrase("file:" + options.passphrase_file, "passphrase of the root key"));
    return Words{ca::first_line(words)};
  }
  auto sealing = ca::read_sealing(key.text());
  // Who brings shares does not need to be told that they are needed.
  if (!options.shares.empty()) return words_of_shares(sealing.ok() ? *sealing : std::nullopt, options.shares);
  if (!sealing.ok()) return std::move(sealing).error().with_context(file + ": ");
  if (sealing->has_value()) return words_of_shares(*sealing, {});
  TRY(auto const words, read_passphrase("prompt", "passphrase of the root key"));
  return Words{ca::first_line(words)};
}

}  // namespace

// --- opening ---

Result<OpenedRootKey> open_root_key_file(std::string const& file, RootKeyOptions const& options) {
  TRY(auto const held, read_secret_file(file));
  if (ca::is_erased(held))
    return Error(Errc::file, file +
                                 " was erased by a root seal that was stopped before it could remove the file: remove "
                                 "it; the key is where that seal has put it");
  TRY(auto words, read_words(file, held, options));
  auto key = x509::PrivateKey::from_pem(held.text(), words.passphrase);
  if (!key.ok() && words.of_shares && key.error().code() == Errc::wrong_passphrase)
    return Error(Errc::wrong_passphrase,
                 file +
                     ": the shares fit each other and do not open this key: it is of another sealing than they, or "
                     "damaged; take the root.key that was written with them");
  if (!key.ok()) return std::move(key).error().with_context(file + ": ");
  return OpenedRootKey{*std::move(key), std::move(words.passphrase), words.of_shares};
}

Result<x509::PrivateKey> open_root_key(CommandLine const& line, ca::KnownRoots const& roots,
                                       RootKeyOptions const& options) {
  auto const file = options.file.empty() ? ca::root_directory(line.state, roots) + "/root.key" : options.file;
  if (!file_exists(file))
    return Error(Errc::file, file +
                                 " is missing: give the root's key with --root-key, from the medium to which root "
                                 "seal moved it");
  TRY(auto opened, open_root_key_file(file, options));
  return std::move(opened.key);
}

// --- another passphrase ---

Result<SecretBytes> new_root_passphrase(Settings const& settings, std::string const& file) {
  TRY(auto const words, new_passphrase(file.empty() ? "prompt" : "file:" + file, "root key's passphrase"));
  auto fresh = ca::first_line(words);
  if (fresh.size() < ca::kPassphraseCharactersMin)
    return Error(Errc::usage, fmt::format("the root key's new passphrase needs at least {} characters",
                                          ca::kPassphraseCharactersMin));
  TRY(auto const issuing, read_issuing_passphrase(settings));
  if (fresh.text() == issuing.text())
    return Error(Errc::usage,
                 "the root's key needs a passphrase of its own: the issuing key's is on the server at every start");
  return fresh;
}

}  // namespace lenscap::acme
