#include "store/copy.h"

#include <algorithm>
#include <istream>
#include <ostream>

#include "base/bytes.h"
#include "base/json.h"
#include "store/crc32c.h"
#include "store/schema.h"

namespace lenscap::store {
namespace {

constexpr int kDumpFormat = 1;
constexpr std::size_t kLineBytesMax = 8 * kValueBytesMax;  // a value of which each octet needs an escape, and the rest
constexpr std::size_t kBytesPerWrite = 4 * 1024 * 1024;

// Stands in place of the version while a store is being filled: open() refuses it.
constexpr std::string_view kUnfinished = "unfinished copy";

// Of all lines so far: finds a damaged or shortened file. It does NOT protect against a person.
class LinesSum {
 public:
  void add(std::string_view line) { crc_ = crc32c(as_bytes("\n"), crc32c(as_bytes(line), crc_)); }
  std::string hex() const {
    Bytes octets;
    for (int shift = 24; shift >= 0; shift -= 8) octets.push_back(static_cast<std::uint8_t>(crc_ >> shift));
    return to_hex(octets);
  }

 private:
  std::uint32_t crc_ = 0;
};

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t'; });
}

void set_octets(json::Object& object, std::string const& name, std::string_view octets) {
  if (is_plain(octets)) {
    object.set(name, octets);
  } else {
    object.set(name + "64", to_base64(as_bytes(octets)));
  }
}

Result<std::string> octets(json::Object const& object, std::string const& name) {
  if (object.find(name) != nullptr) return json::need_string(object, name);
  TRY(auto text, json::need_string(object, name + "64"));
  TRY(auto bytes, from_base64(text));
  return std::string(as_text(bytes));
}

}  // namespace

Result<std::size_t> dump(Store& store, std::ostream& out) {
  std::size_t records = 0;
  LinesSum sum;
  auto write = [&](json::Object const& object) {
    auto line = json::write(object);
    sum.add(line);
    out << line << '\n';
    return static_cast<bool>(out);
  };
  store.read([&](ReadTxn& txn) {
    records = 0;  // LMDB runs the body once; `out` could not be taken back
    write({{"lenscap_store", kDumpFormat}, {"version", txn.get(kMeta, "version").value_or("")}});
    for (auto const& name : txn.tables()) {
      if (name == kMeta.name) continue;
      txn.scan(Table{name}, {}, [&](std::string_view key, std::string_view value) {
        json::Object object{{"t", name}};
        set_octets(object, "k", key);
        set_octets(object, "v", value);
        ++records;
        return write(object);
      });
    }
  });
  json::Object const end{{"records", records}, {"crc32c", sum.hex()}};
  out << json::write(end) << '\n' << std::flush;
  if (!out) return Error(Errc::file, "the copy of the store could not be written; is the disk full?");
  return records;
}

namespace {

struct Record {
  std::string table;
  std::string key;
  std::string value;
};

class Loader {
 public:
  Loader(Store& store, std::istream& in) : store_(store), in_(in) {}

  Result<std::size_t> run() {
    TRY(auto version, read_header());
    CHECK_OK(claim());
    for (;;) {
      TRY(auto object, next_object());
      if (object.find("records") != nullptr) {
        CHECK_OK(check_end(object));
        break;
      }
      sum_.add(line_);
      TRY(auto record, parse_record(object));
      pending_bytes_ += record.key.size() + record.value.size();
      pending_.push_back(std::move(record));
      ++records_;
      if (pending_bytes_ >= kBytesPerWrite) flush();
    }
    flush();
    store_.write([&](WriteTxn& txn) {
      txn.put(kMeta, "version", version);
      return true;
    });
    CHECK_OK(bring_up_to_date(store_, upgrades()));
    return records_;
  }

 private:
  Error refuse(std::string const& why) const {
    return Error(Errc::malformed, "line " + std::to_string(line_number_) + " of the copy: " + why);
  }

  Result<json::Object> next_object() {
    ++line_number_;
    line_.clear();
    for (int c = in_.get(); c != '\n'; c = in_.get()) {
      if (c == std::istream::traits_type::eof()) return refuse("the end is missing; the file was cut");
      if (line_.size() == kLineBytesMax) return refuse("too long");
      line_ += static_cast<char>(c);
    }
    auto object = json::parse_object(line_, {.bytes = kLineBytesMax});
    if (!object.ok()) return refuse(object.error().detail());
    return object;
  }

  Result<std::string> read_header() {
    TRY(auto object, next_object());
    sum_.add(line_);
    auto format = json::need_int(object, "lenscap_store");
    if (!format.ok() || *format != kDumpFormat)
      return refuse("this is not a copy of a store that this program can read");
    TRY(auto version, json::need_string(object, "version"));
    CHECK_OK(check_version(version, upgrades()));  // before anything is written
    return version;
  }

  Result<> claim() {
    bool empty = store_.write([](WriteTxn& txn) {
      for (auto const& name : txn.tables()) {
        if (name != kMeta.name) return false;
      }
      txn.put(kMeta, "version", kUnfinished);
      return true;
    });
    if (!empty)
      return Error(Errc::conflict, "the store that is to be filled holds records already; nothing was changed");
    return {};
  }

  Result<Record> parse_record(json::Object const& object) const {
    auto table = json::need_string(object, "t");
    auto key = octets(object, "k");
    auto value = octets(object, "v");
    if (!table.ok()) return refuse(table.error().detail());
    if (!key.ok()) return refuse(key.error().detail());
    if (!value.ok()) return refuse(value.error().detail());
    if (!is_table_name(*table) || *table == kMeta.name) return refuse("not the name of a table");
    if (key->empty() || key->size() > kKeyBytesMax || value->size() > kValueBytesMax) {
      return refuse("the key or the value is too long, or the key is empty");
    }
    return Record{*std::move(table), *std::move(key), *std::move(value)};
  }

  Result<> check_end(json::Object const& object) {
    TRY(auto records, json::need_int(object, "records"));
    TRY(auto crc, json::need_string(object, "crc32c"));
    if (records != static_cast<std::int64_t>(records_) || crc != sum_.hex()) {
      return refuse("the number of records or the checksum is not that of the lines above; the file is damaged");
    }
    return {};
  }

  void flush() {
    store_.write([&](WriteTxn& txn) {
      for (auto const& record : pending_) txn.put(Table{record.table}, record.key, record.value);
      return true;
    });
    pending_.clear();
    pending_bytes_ = 0;
  }

  Store& store_;
  std::istream& in_;
  LinesSum sum_;
  std::string line_;
  std::size_t line_number_ = 0;
  std::vector<Record> pending_;
  std::size_t pending_bytes_ = 0;
  std::size_t records_ = 0;
};

}  // namespace

Result<std::size_t> load(Store& store, std::istream& in) { return Loader(store, in).run(); }

}  // namespace lenscap::store
