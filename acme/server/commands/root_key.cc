#include "acme/server/commands/root_key.h"

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "base/passphrase.h"
#include "ca/ceremony.h"

namespace lenscap::acme {

void add_root_key_options(CLI::App& command, RootKeyOptions& options) {
  command.add_option("--root-key", options.file,
                     "The root's key, where root seal has put it; without it the one in the state directory");
  command.add_option("--passphrase-file", options.passphrase_file,
                     "File with the root key's passphrase; without it you are asked");
}

Result<x509::PrivateKey> open_root_key(CommandLine const& line, ca::KnownRoots const& roots,
                                       RootKeyOptions const& options) {
  auto const file = options.file.empty() ? ca::root_directory(line.state, roots) + "/root.key" : options.file;
  if (!file_exists(file))
    return Error(Errc::file, file +
                                 " is missing: give the root's key with --root-key, from the medium to which root "
                                 "seal moved it");
  TRY(auto text, read_file(file));
  SecretBytes const held{std::string_view(text)};
  OPENSSL_cleanse(text.data(), text.size());
  TRY(auto const words, read_passphrase(options.passphrase_file.empty() ? "prompt" : "file:" + options.passphrase_file,
                                        "passphrase of the root key"));
  auto key = x509::PrivateKey::from_pem(held.text(), ca::first_line(words));
  if (!key.ok()) return std::move(key).error().with_context(file + ": ");
  return key;
}

}  // namespace lenscap::acme
