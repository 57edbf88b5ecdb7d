#include "ca/pending_issuer.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>

#include "base/acting_as.h"
#include "base/config.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/json.h"

namespace lenscap::ca {
namespace {

constexpr char const* kRequest = "/issuing.csr";
constexpr char const* kNote = "/request.toml";

std::string pending_directory(std::string const& state_dir, std::string const& name) {
  return issuer_directory(state_dir, name) + std::string(kPendingSuffix);
}

std::string note_text(PendingIssuer const& pending) {
  std::string text = "replaces = \"" + pending.replaces + "\"\nafter = " + std::to_string(pending.after.count()) +
                     "  # seconds from the installation on, until it signs\n";
  if (!pending.token_key.empty()) text += "key = " + json::write(json::Value(pending.token_key)) + "  # in a token\n";
  return text;
}

Result<PendingIssuer> read_pending(std::string const& state_dir, std::string const& name) {
  auto const folder = pending_directory(state_dir, name);
  TRY(auto reader, config::Reader::load(folder + kNote));
  PendingIssuer pending{name, reader.string("replaces", ""), Seconds(0)};
  pending.after = Seconds(reader.integer("after", 0, 0, std::numeric_limits<std::int32_t>::max()));
  pending.token_key = reader.string("key", "");
  CHECK_OK(reader.finish());
  TRY(pending.request, read_file(folder + kRequest));
  return pending;
}

}  // namespace

std::string PendingIssuer::key() const {
  return token_key.empty() ? "file:issuers/" + name + std::string(kPendingSuffix) + "/issuing.key" : token_key;
}

Result<std::optional<PendingIssuer>> load_pending(std::string const& state_dir) {
  std::optional<std::string> found;
  auto const place = parent_directory(issuer_directory(state_dir, "x"));
  TRY(auto const names, names_in(place));
  for (auto const& name : names) {
    if (name.starts_with(".") || !name.ends_with(kPendingSuffix)) continue;
    if (found)
      return Error(Errc::settings, place + "/" + name + " and " + pending_directory(state_dir, *found) +
                                       " both wait for a certificate of the parent: move one of them away");
    found = name.substr(0, name.size() - kPendingSuffix.size());
  }
  if (!found) return std::optional<PendingIssuer>();
  TRY(auto pending, read_pending(state_dir, *found));
  return std::optional(std::move(pending));
}

Result<> keep_pending(std::string const& state_dir, PendingIssuer const& pending, x509::PrivateKey const* key,
                      SecretBytes const& passphrase) {
  CHECK_OK(check_issuer_name(pending.name));
  auto const place = pending_directory(state_dir, pending.name);
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  CHECK_OK(make_directory(parent_directory(place)));
  std::vector<NewFile> files{{kRequest + 1, pending.request, 0644}, {kNote + 1, note_text(pending), 0644}};
  if (key != nullptr) files.push_back({"issuing.key", key->to_encrypted_pem(passphrase), 0600});
  auto kept = create_directory(place, files);
  if (!kept && kept.error().code() == Errc::conflict) return kept;
  if (kept) kept = make_durable(state_dir);
  // Who is told that there is no request must not find one; it may be in its place and not durable.
  std::error_code ignored;
  if (!kept) std::filesystem::remove_all(place, ignored);
  return kept;
}

Time begin_of(PendingIssuer const& pending, Time now, Time old_ends) {
  return now + pending.after < old_ends ? now + pending.after : now;
}

Result<> install_pending(std::string const& state_dir, PendingIssuer const& pending, x509::Certificate const& issuing,
                         std::vector<x509::Certificate> const& above, IssuerNote const& note) {
  auto const beside = pending_directory(state_dir, pending.name);
  auto const place = issuer_directory(state_dir, pending.name);
  auto const certificate = beside + "/issuing.pem", says = beside + "/issuer.toml";
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  auto const put = [&]() -> Result<> {
    CHECK_OK(write_file(certificate, issuing.pem() + x509::to_pem(above), 0644));
    CHECK_OK(write_file(says, to_toml(note), 0644));
    if (std::rename(beside.c_str(), place.c_str()) == 0) return {};
    if (errno == ENOTEMPTY || errno == EEXIST)
      return Error(Errc::conflict, "there is an issuer " + pending.name + " already, and nothing was changed");
    return Error(Errc::file, place + ": " + std::strerror(errno) +
                                 "; what root has made there is given to the user of the service by chown -R");
  };
  std::error_code ignored;
  auto done = put();
  if (done) {
    done = make_durable(parent_directory(place));
    if (!done) std::filesystem::rename(place, beside, ignored);
  }
  if (!done) {
    std::filesystem::remove(certificate, ignored);
    std::filesystem::remove(says, ignored);
    return done;
  }
  std::filesystem::remove(place + kNote, ignored);  // nobody reads it any more, should it stay
  static_cast<void>(make_durable(place));
  return {};
}

Result<std::string> request_of(std::string const& state_dir, std::string const& name) {
  return read_file(issuer_directory(state_dir, name) + kRequest);
}

}  // namespace lenscap::ca
