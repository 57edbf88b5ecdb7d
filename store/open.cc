// From a URL to a store: the table of back ends.
#include <exception>

#include "store/backends.h"
#include "store/schema.h"

namespace lenscap::store {
namespace {

using Opened = Result<std::unique_ptr<Store>>;

struct Backend {
  std::string_view scheme;
  std::string_view form;  // for the person who wrote something else
  Opened (*open)(std::string_view rest, std::string_view base_dir, std::uint64_t grows_to);
  Opened (*open_read_only)(std::string_view rest, std::string_view base_dir, std::uint64_t grows_to);
};

Opened open_memory(std::string_view rest, std::string_view, std::uint64_t) {
  if (!rest.empty()) return Error(Errc::settings, "\"memory:\" takes nothing behind the colon");
  return make_memory_store();
}

Opened memory_is_private(std::string_view, std::string_view, std::uint64_t) {
  return Error(Errc::settings, "a store in memory belongs to its own process; nobody else can read it");
}

Result<std::string> lmdb_directory(std::string_view rest, std::string_view base_dir) {
  if (rest.empty()) return Error(Errc::settings, "\"lmdb:\" needs a directory, as in \"lmdb:store\"");
  if (rest.find('\0') != rest.npos) return Error(Errc::settings, "the store's directory name holds a zero octet");
  std::string directory(rest);
  if (rest.front() != '/' && !base_dir.empty()) directory = std::string(base_dir) + "/" + directory;
  return directory;
}

Opened open_lmdb(std::string_view rest, std::string_view base_dir, std::uint64_t grows_to) {
  TRY(auto directory, lmdb_directory(rest, base_dir));
  return open_lmdb_store(directory, {.map_bytes = grows_to});
}

Opened open_lmdb_read_only(std::string_view rest, std::string_view base_dir, std::uint64_t grows_to) {
  TRY(auto directory, lmdb_directory(rest, base_dir));
  return open_lmdb_reader(directory, {.map_bytes = grows_to});
}

constexpr Backend kBackends[] = {
    // scheme   form           open       open_read_only
    {"lmdb", "lmdb:DIRECTORY", open_lmdb, open_lmdb_read_only},
    {"memory", "memory:", open_memory, memory_is_private},  // tests and demonstrations: nothing is kept
};

Result<Backend const*> find_backend(std::string_view url) {
  for (auto const& backend : kBackends) {
    if (url.starts_with(std::string(backend.scheme) + ":")) return &backend;
  }
  std::string forms;
  for (auto const& backend : kBackends) forms.append(forms.empty() ? "" : ", ").append(backend.form);
  return Error(Errc::settings, "unknown store \"" + std::string(url) + "\"; known: " + forms);
}

}  // namespace

Opened open(std::string_view url, std::string_view base_dir, std::uint64_t grows_to) {
  TRY(auto const* backend, find_backend(url));
  TRY(auto store, backend->open(url.substr(backend->scheme.size() + 1), base_dir, grows_to));
  CHECK_OK(bring_up_to_date(*store, upgrades()));
  return store;
}

Opened open_read_only(std::string_view url, std::string_view base_dir, std::uint64_t grows_to) {
  TRY(auto const* backend, find_backend(url));
  TRY(auto store, backend->open_read_only(url.substr(backend->scheme.size() + 1), base_dir, grows_to));
  CHECK_OK(check_current(*store, upgrades()));
  return store;
}

void scan_prefix(ReadTxn& txn, Table table, std::string_view prefix, Visitor const& visit) {
  txn.scan(table, prefix,
           [&](std::string_view key, std::string_view value) { return key.starts_with(prefix) && visit(key, value); });
}

void scan_prefix_down(ReadTxn& txn, Table table, std::string_view prefix, std::string_view before,
                      Visitor const& visit) {
  auto const from = std::string(prefix) + (before.empty() ? "\xff" : std::string(before));
  txn.scan_down(table, from, [&](std::string_view key, std::string_view value) {
    return key.starts_with(prefix) && visit(key, value);
  });
}

}  // namespace lenscap::store
