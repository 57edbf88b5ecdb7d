#include "acme/server/backup.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <istream>
#include <map>
#include <ostream>

#include "acme/server/settings.h"
#include "base/acting_as.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sealed_stream.h"
#include "base/x509/certificate.h"
#include "ca/gap.h"
#include "ca/installed_issuers.h"
#include "store/copy.h"
#include "store/schema.h"

namespace lenscap::acme {
namespace {

constexpr int kFormat = 1;
constexpr std::size_t kFilesMax = 1000;
constexpr std::size_t kFileBytesMax = 1024 * 1024;
constexpr std::size_t kLineBytesMax = 8 * kFileBytesMax;
constexpr std::string_view kSettings = "ca.toml";
constexpr std::string_view kRootKey = "root.key";
constexpr std::string_view kIssuers = "issuers";
constexpr std::string_view kRoots = "keys/roots";  // those that follow the first

struct File {
  std::string path;  // below the state directory
  unsigned mode = 0;
  std::string text;
};

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

// What one file's name may be: nothing that leads out of the state directory, and nothing that is hidden.
bool is_path(std::string_view path) {
  if (path == kSettings) return true;
  for (std::string_view folder : {"keys/", "profiles/"})
    if (path.starts_with(folder) && is_name(path.substr(folder.size()))) return true;
  for (auto const above : {kIssuers, kRoots}) {
    if (!path.starts_with(std::string(above) + "/")) continue;
    auto const rest = path.substr(above.size() + 1);
    auto const slash = rest.find('/');  // the number of a root could be an issuer's name
    if (slash == std::string_view::npos) return false;
    auto folder = rest.substr(0, slash);
    if (above == kIssuers && folder.ends_with(ca::kPendingSuffix)) folder.remove_suffix(ca::kPendingSuffix.size());
    return ca::check_issuer_name(folder).ok() && is_name(rest.substr(slash + 1));
  }
  return false;
}

// --- writing ---

Result<File> load_file(std::string const& from, std::string path) {
  struct stat status {};
  if (::stat(from.c_str(), &status) != 0) return Error(Errc::file, from + ": " + std::strerror(errno));
  TRY(auto text, read_file(from, kFileBytesMax));
  return File{std::move(path), status.st_mode & 0777U, std::move(text)};
}

// Those of further issuers and roots among them; what begins with a dot is an issuer that was never finished.
Result<std::vector<std::string>> folders_of(std::string const& state_dir) {
  std::vector<std::string> folders{"keys", "profiles"};
  for (auto const above : {kIssuers, kRoots}) {
    auto const place = state_dir + "/" + std::string(above);
    TRY(auto const names, names_in(place));
    for (auto const& name : names) {
      TRY(auto const kind, kind_of(place + "/" + name));
      if (kind == FileKind::directory && !name.starts_with(".")) folders.push_back(std::string(above) + "/" + name);
    }
  }
  return folders;
}

// `left_out`: what has a name that no restore would write.
Result<std::vector<File>> collect(std::string const& state_dir, std::string const& config,
                                  std::vector<std::string>& left_out) {
  std::vector<File> files;
  TRY(auto settings, load_file(config, std::string(kSettings)));
  files.push_back(std::move(settings));
  TRY(auto const folders, folders_of(state_dir));
  for (auto const& folder : folders) {
    TRY(auto const kind_of_folder, kind_of(state_dir + "/" + folder));
    if (kind_of_folder == FileKind::nothing)
      return Error(Errc::file, state_dir + "/" + folder + " is missing: a back-up without it would restore no CA");
    TRY(auto const names, names_in(state_dir + "/" + folder));
    for (auto const& name : names) {
      if (name.starts_with(kRootKey) || is_left_over(name)) continue;
      auto path = folder + "/" + name;
      TRY(auto const kind, kind_of(state_dir + "/" + path));
      if (kind != FileKind::file) continue;
      if (!is_path(path)) {
        left_out.push_back(std::move(path));
        continue;
      }
      TRY(auto file, load_file(state_dir + "/" + path, path));
      files.push_back(std::move(file));
    }
  }
  std::ranges::sort(files, {}, &File::path);
  return files;
}

// --- reading ---

Error no_backup() { return Error(Errc::malformed, "the file opens, but what is in it is no back-up of this program"); }

Result<json::Object> read_line(std::istream& in) {
  std::string line;
  for (int c = in.get(); c != '\n'; c = in.get()) {
    if (c == std::istream::traits_type::eof() || line.size() == kLineBytesMax) return no_backup();
    line += static_cast<char>(c);
  }
  return json::parse_object(line, {.bytes = kLineBytesMax});
}

Result<File> read_one(std::istream& in) {
  TRY(auto const object, read_line(in));
  File file;
  TRY(file.path, json::need_string(object, "path"));
  TRY(auto const mode, json::need_int(object, "mode"));
  file.mode = static_cast<unsigned>(mode) & 0777U;
  TRY(auto const text, json::need_string(object, "text64"));
  TRY(auto const octets, from_base64(text));
  file.text = as_text(octets);
  if (!is_path(file.path)) return no_backup();
  return file;
}

struct Head {
  BackupContent content;
  std::vector<File> files;
};

Result<Head> read_head(std::istream& in) {
  Head head;
  TRY(auto const first, read_line(in));
  TRY(auto const format, json::need_int(first, "lenscap_backup"));
  if (format != kFormat)
    return Error(Errc::settings, "the back-up has format " + std::to_string(format) + ", this program reads format " +
                                     std::to_string(kFormat) + "; install the version that wrote it, or a newer one");
  TRY(auto const made_at, json::need_int(first, "made_at"));
  head.content.made_at = from_unix(made_at);
  TRY(head.content.root_sha256, json::need_string(first, "root_sha256"));
  TRY(auto const files, json::need_int(first, "files"));
  if (files < 0 || static_cast<std::size_t>(files) > kFilesMax) return no_backup();
  head.content.files = static_cast<std::size_t>(files);
  for (std::size_t i = 0; i < head.content.files; ++i) {
    TRY(auto file, read_one(in));
    head.files.push_back(std::move(file));
  }
  return head;
}

// Takes everything and keeps nothing but the format version, which a copy is judged by.
class Nowhere final : public store::Store {
 public:
  void read(store::ReadBody const& body) override {
    Txn txn(version_);
    body(txn);
  }
  bool write(store::WriteBody const& body) override {
    auto version = version_;
    Txn txn(version);
    if (!body(txn)) return false;
    version_ = std::move(version);
    return true;
  }
  void write_async(store::WriteBody, std::function<void(std::exception_ptr, bool)>, store::Urgency) override {
    bug("a copy is written and waited for");
  }

 private:
  class Txn final : public store::WriteTxn {
   public:
    explicit Txn(std::optional<std::string>& version) : version_(version) {}
    std::optional<std::string> get(store::Table table, std::string_view) override {
      return table == store::kMeta ? version_ : std::nullopt;
    }
    void scan(store::Table, std::string_view, store::Visitor const&) override {}
    void scan_down(store::Table, std::string_view, store::Visitor const&) override {}
    std::vector<std::string> tables() override { return {}; }
    void put(store::Table table, std::string_view, std::string_view value) override {
      if (table == store::kMeta) version_ = value;
    }
    void erase(store::Table, std::string_view) override {}

   private:
    std::optional<std::string>& version_;
  };
  std::optional<std::string> version_;
};

// Whatever a restore writes.
constexpr char const* kNames[] = {"ca.toml", "ca.toml.new", "keys", "profiles", "issuers", "db"};

Result<> refuse_what_is_there(std::string const& state_dir) {
  for (auto const* name : kNames)
    if (std::filesystem::exists(state_dir + "/" + name))
      return Error(Errc::conflict, state_dir + "/" + name +
                                       " exists: there is a CA, or what a restore that was broken off has left; "
                                       "nothing was changed. Restore into an empty directory");
  return {};
}

Result<> write_files(std::string const& state_dir, std::vector<File> const& files) {
  CHECK_OK(make_directory(state_dir + "/keys"));
  CHECK_OK(make_directory(state_dir + "/profiles", 0755));
  for (auto const& file : files) {
    auto const is_settings = file.path == kSettings;
    for (auto const above : {kIssuers, kRoots}) {
      if (!file.path.starts_with(std::string(above) + "/")) continue;
      CHECK_OK(make_directory(state_dir + "/" + std::string(above)));
      CHECK_OK(make_directory(state_dir + "/" + file.path.substr(0, file.path.rfind('/'))));
    }
    CHECK_OK(create_file(state_dir + "/" + file.path + (is_settings ? ".new" : ""), file.text, file.mode));
  }
  return {};
}

// The settings come last: without them there is no CA.
Result<> write_state(SealedInput& sealed, Head& head, std::string const& state_dir, Time now) {
  CHECK_OK(make_directory(state_dir));
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  CHECK_OK(write_files(state_dir, head.files));
  auto const settings_file = state_dir + "/" + std::string(kSettings);
  TRY(auto const settings, load_settings(settings_file + ".new", state_dir));
  {
    TRY(auto const store, store::open(settings.store_url, state_dir, settings.store_size_max));
    TRY(head.content.records, store::load(*store, sealed.stream()));
    CHECK_OK(sealed.check_end());
    store->write([&](store::WriteTxn& txn) {
      ca::open_gap(txn, {.from = head.content.made_at, .until = now});
      return true;
    });
  }
  if (::rename((settings_file + ".new").c_str(), settings_file.c_str()) != 0)
    return Error(Errc::file, settings_file + ": " + std::strerror(errno));
  return make_durable(state_dir);
}

// Takes away what was written until then, if it is not told that it was all: nothing of these names was there.
class Attempt {
 public:
  explicit Attempt(std::string const& state_dir) : state_dir_(state_dir), was_there_(file_exists(state_dir)) {}
  Attempt(Attempt const&) = delete;
  Attempt& operator=(Attempt const&) = delete;
  ~Attempt() {
    if (is_done_) return;
    std::error_code ignored;
    for (auto const* name : kNames) std::filesystem::remove_all(state_dir_ + "/" + name, ignored);
    if (!was_there_) std::filesystem::remove(state_dir_, ignored);
  }
  void is_done() { is_done_ = true; }

 private:
  std::string const& state_dir_;
  bool const was_there_;
  bool is_done_ = false;
};

}  // namespace

Result<BackupContent> write_backup(std::ostream& out, SecretBytes const& passphrase, std::string const& state_dir,
                                   std::string const& config, store::Store& store, Time now) {
  std::vector<std::string> left_out;
  TRY(auto const files, collect(state_dir, config, left_out));
  TRY(auto const chain, ca::load_chain(state_dir));
  BackupContent content{.made_at = now,
                        .root_sha256 = to_hex(chain.root().fingerprint()),
                        .files = files.size(),
                        .records = 0,
                        .left_out = std::move(left_out)};
  SealedOutput sealed(out, passphrase);
  sealed.stream() << json::write(json::Object{{"lenscap_backup", kFormat},
                                              {"made_at", to_unix(content.made_at)},
                                              {"root_sha256", content.root_sha256},
                                              {"files", content.files}})
                  << '\n';
  for (auto const& file : files)
    sealed.stream() << json::write(json::Object{{"path", file.path},
                                                {"mode", static_cast<std::int64_t>(file.mode)},
                                                {"text64", to_base64(as_bytes(file.text))}})
                    << '\n';
  TRY(content.records, store::dump(store, sealed.stream()));
  CHECK_OK(sealed.finish());
  return content;
}

Result<BackupContent> verify_backup(std::istream& in, SecretBytes const& passphrase) {
  TRY(auto const sealed, SealedInput::open(in, passphrase));
  auto head = read_head(sealed->stream());
  auto records = Result<std::size_t>(std::size_t{0});
  if (head.ok()) {
    Nowhere nowhere;
    records = store::load(nowhere, sealed->stream());
  }
  // Damage of the file is the better reason than what it did to the text.
  if (!head.ok() || !records.ok()) {
    auto const whole = sealed->check_end();
    auto error = head.ok() ? records.error() : head.error();
    return error.code() == Errc::malformed && !whole.ok() ? whole.error() : error;
  }
  CHECK_OK(sealed->check_end());
  head->content.records = *records;
  return head->content;
}

Result<BackupContent> restore_backup(std::istream& in, SecretBytes const& passphrase, std::string const& state_dir,
                                     Time now) {
  CHECK_OK(refuse_what_is_there(state_dir));
  TRY(auto const sealed, SealedInput::open(in, passphrase));
  TRY(auto head, read_head(sealed->stream()));
  Attempt attempt(state_dir);  // the store may throw
  CHECK_OK(write_state(*sealed, head, state_dir, now));
  attempt.is_done();
  return head.content;
}

}  // namespace lenscap::acme
