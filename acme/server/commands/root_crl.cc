// lenscap-ca root crl: the next revocation list of a root, made beside the server, which serves it from its next start
// or reload on.
#include "acme/server/commands/root_crl.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/on_record.h"
#include "acme/server/server.h"
#include "ca/installed_chain.h"
#include "ca/root_crl_file.h"

namespace lenscap::acme {

std::string lists_url(Settings const& settings) {
  auto const places = authority_settings(settings);
  return places.crl_parts == 0 ? "" : places.http_url;
}

Result<ca::KnownRoots> load_listed_roots(CommandLine const& line) {
  TRY(auto const chain, ca::load_chain(line.state));
  if (chain.has_parent)
    return Error(Errc::conflict,
                 "the root of this CA is its parent's, who alone makes its list: tell the parent which certificate of "
                 "this CA is to be revoked");
  return ca::load_known_roots(line.state, chain.root());
}

Result<OpenedRoot> open_key_of_root(CommandLine const& line, ca::KnownRoots const& roots, RootKeyOptions options,
                                    std::optional<std::size_t> wanted) {
  if (options.file.empty() && wanted) options.file = ca::root_directory(line.state, *wanted) + "/root.key";
  TRY(auto key, open_root_key(line, roots, options));
  auto const index = ca::root_of_key(roots, key.public_key());
  if (!index) return Error(Errc::conflict, "this is the key of no root of this CA");
  if (wanted && *index != *wanted)
    return Error(Errc::conflict, "this is the key of " + roots.roots[*index].subject() + ", and that of " +
                                     roots.roots[*wanted].subject() + " is needed: give it with --root-key");
  return OpenedRoot{*index, std::move(key)};
}

namespace {

struct Options {
  RootKeyOptions root;
  std::string lifetime;  // empty: as the last
};

Result<std::optional<Seconds>> lifetime_of(Options const& options) {
  if (options.lifetime.empty()) return std::optional<Seconds>();
  auto const lifetime = parse_duration(options.lifetime);
  if (!lifetime.ok()) return Error(Errc::usage, "--lifetime: " + lifetime.error().detail());
  return std::optional(*lifetime);
}

Result<ExitCode> make(CommandLine const& line, Options const& options) {
  TRY(auto const settings, load_settings(line));
  TRY(auto const lifetime, lifetime_of(options));
  TRY(auto const roots, load_listed_roots(line));
  TRY(auto const opened, open_key_of_root(line, roots, options.root));
  auto const now = SystemClock().now();
  TRY(auto const next, ca::NextRootCrl::make(line.state, roots, opened.index, opened.key, {}, lifetime, now));
  CHECK_OK(next.put_in_place());
  auto const& list = next.list();
  auto const& root = roots.roots[opened.index];
  if (line.wants_json()) {
    print_json({{"root", root.subject()},
                {"number", static_cast<std::int64_t>(list.number)},
                {"this_update", to_rfc3339(list.this_update)},
                {"next_update", to_rfc3339(list.next_update)},
                {"revoked", list.revoked.size()},
                {"file", next.file()}});
    return ExitCode::done;
  }
  fmt::print("Made      the list of {}, number {}\nValid to  {}\nRevoked   {}\nIn        {}\n\n", root.subject(),
             list.number, to_rfc3339(list.next_update), list.revoked.size(), next.file());
  fmt::print("{}", lists_url(settings).empty()
                       ? "No lists are served by the settings: nobody gets it.\n"
                       : "A server that runs serves it from its next start or reload on. Make a back-up.\n");
  return ExitCode::done;
}

}  // namespace

void add_root_crl(CLI::App& root, CommandLine& line) {
  auto options = std::make_shared<Options>();
  auto* made = root.add_subcommand("crl", "Make the root's next revocation list, before the last one ends");
  add_root_key_options(*made, options->root);
  made->add_option("--lifetime", options->lifetime, "30d to 1825d; default: as the last one's, at first 365d");
  made->footer(
      "With --root-key of an earlier root it is that one's list.\n"
      "Examples:\n  lenscap-ca root crl --root-key /media/usb/root.key\n  lenscap-ca root crl --lifetime 730d");
  made->callback([&line, options] {
    line.run = [&line, options] { return on_record(line, "root crl", [&] { return make(line, *options); }); };
  });
}

}  // namespace lenscap::acme
