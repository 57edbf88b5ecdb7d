#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

// RapidJSON's own assertions become exceptions: they would be our bugs, and must not abort a server quietly.
#define RAPIDJSON_ASSERT(x)                             \
  do {                                                  \
    if (!(x)) throw std::logic_error("RapidJSON: " #x); \
  } while (false)
#if defined(__SSE2__)
#define RAPIDJSON_SSE2
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <fmt/format.h>

#include "base/utf8.h"

namespace lenscap::json {
namespace {

// Builds a Value from RapidJSON's events and keeps the limits; any false ends the parse.
class Builder {
 public:
  explicit Builder(Limits limits) : limits_(limits) {}

  bool Null() { return add(Value()); }
  bool Bool(bool v) { return add(Value(v)); }
  bool Int(int v) { return add(Value(v)); }
  bool Uint(unsigned v) { return add(Value(static_cast<long long>(v))); }
  bool Int64(std::int64_t v) { return add(Value(static_cast<long long>(v))); }
  bool Uint64(std::uint64_t v) {
    return v <= INT64_MAX ? add(Value(static_cast<long long>(v))) : add(Value(static_cast<double>(v)));
  }
  bool Double(double v) { return std::isfinite(v) ? add(Value(v)) : fail("a number is too big"); }
  bool RawNumber(char const*, rapidjson::SizeType, bool) { return fail("unexpected number"); }
  bool String(char const* text, rapidjson::SizeType size, bool) {
    std::string_view const view(text, size);
    if (auto const* why = unfit(view)) return fail(why);
    return add(Value(view));
  }
  bool StartObject() { return open(true); }
  bool Key(char const* text, rapidjson::SizeType size, bool) {
    std::string_view const name(text, size);
    if (auto const* why = unfit(name)) return fail(why);
    Frame& frame = stack_.back();
    if (frame.object.find(name) != nullptr) return fail("the same member name appears twice");
    frame.key = name;
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    Value done(std::move(stack_.back().object));
    return close(std::move(done));
  }
  bool StartArray() { return open(false); }
  bool EndArray(rapidjson::SizeType) {
    Value done(std::move(stack_.back().array));
    return close(std::move(done));
  }

  std::string const& reason() const { return reason_; }
  Value take() { return std::move(root_); }

 private:
  // Room for most of what we read, so that little is moved while it grows.
  static constexpr std::size_t kFrames = 4, kMembers = 8;

  struct Frame {
    bool is_object;
    Object object;
    Array array;
    std::string key;
  };

  // What no text of ours may hold. RapidJSON lets the second half of a surrogate pair through when it stands alone as
  // an escape; in UTF-8 a surrogate begins with ED and an octet from A0.
  static char const* unfit(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return "a text holds U+0000";
    for (std::size_t i = text.find('\xED'); i != std::string_view::npos; i = text.find('\xED', i + 1)) {
      if (i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0xA0)
        return "a text holds half a surrogate pair";
    }
    return nullptr;
  }
  bool fail(char const* why) {
    reason_ = why;
    return false;
  }
  bool open(bool is_object) {
    if (stack_.size() >= limits_.depth) return fail("nested too deeply");
    if (!count()) return false;
    if (stack_.empty()) stack_.reserve(kFrames);
    stack_.push_back({.is_object = is_object, .object = {}, .array = {}, .key = {}});
    if (is_object) stack_.back().object.reserve(kMembers);
    return true;
  }
  bool close(Value done) {
    stack_.pop_back();
    place(std::move(done));
    return true;
  }
  bool add(Value value) {
    if (!count()) return false;
    place(std::move(value));
    return true;
  }
  bool count() { return ++count_ <= limits_.members + 1 || fail("too many members"); }
  void place(Value value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (Frame& frame = stack_.back(); frame.is_object) {
      frame.object.add(std::move(frame.key), std::move(value));
    } else {
      frame.array.push_back(std::move(value));
    }
  }

  Limits limits_;
  std::vector<Frame> stack_;
  unsigned count_ = 0;
  std::string reason_;
  Value root_;
};

// Not StringBuffer itself: for that one RapidJSON 1.1 looks for what is to be escaped 16 octets at a time, and takes
// U+001A to U+001F for letters.
struct Output : rapidjson::StringBuffer {
  std::string text() const { return {GetString(), GetSize()}; }
};

// The same mistake in its reader lets these through; the others it finds itself, but for U+0000, which ends its text.
bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 && c != '\t' && c != '\n' && c != '\r'; });
}

template <class Writer>
void emit(Writer& writer, Value const& value) {
  if (value.is_null()) {
    writer.Null();
  } else if (auto const* flag = value.as_bool()) {
    writer.Bool(*flag);
  } else if (auto const* number = value.as_int()) {
    writer.Int64(*number);
  } else if (auto const* real = value.as_double()) {
    writer.Double(*real);
  } else if (auto const* text = value.as_string()) {
    writer.String(text->data(), static_cast<rapidjson::SizeType>(text->size()));
  } else if (auto const* array = value.as_array()) {
    writer.StartArray();
    for (auto const& element : *array) emit(writer, element);
    writer.EndArray();
  } else if (auto const* object = value.as_object()) {
    writer.StartObject();
    for (auto const& [name, member] : object->members()) {
      writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
      emit(writer, member);
    }
    writer.EndObject();
  }
}

Error wrong_type(std::string_view name, std::string_view expected) {
  return {Errc::malformed, fmt::format("\"{}\" must be {}", name, expected)};
}
Error absent(std::string_view name) { return {Errc::malformed, fmt::format("\"{}\" is missing", name)}; }

template <class T>
Result<T> required(Result<std::optional<T>> found, std::string_view name) {
  TRY(auto value, std::move(found));
  if (!value) return absent(name);
  return *std::move(value);
}

}  // namespace

Object::Object(std::initializer_list<Member> members) {
  for (auto const& [name, value] : members) set(name, value);
}

Value const* Object::find(std::string_view name) const {
  for (auto const& member : members_) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

Object& Object::set(std::string_view name, Value value) {
  for (auto& member : members_) {
    if (member.first == name) {
      member.second = std::move(value);
      return *this;
    }
  }
  members_.push_back(Member{std::string(name), std::move(value)});
  return *this;
}

void Object::reserve(std::size_t members) { members_.reserve(members); }

Object& Object::add(std::string name, Value value) {
  members_.push_back(Member{std::move(name), std::move(value)});
  return *this;
}

// Here and not in the header, since a Member is complete only after Value.
Value::Value() = default;
Value::Value(Value const&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(Value const&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;
Value::Value(bool v) : v_(v) {}
Value::Value(int v) : v_(std::int64_t{v}) {}
Value::Value(long v) : v_(std::int64_t{v}) {}
Value::Value(long long v) : v_(static_cast<std::int64_t>(v)) {}
Value::Value(std::size_t v) : v_(static_cast<std::int64_t>(v)) {}
Value::Value(double v) : v_(v) {}
Value::Value(std::string v) : v_(std::move(v)) {}
Value::Value(std::string_view v) : v_(std::string(v)) {}
Value::Value(char const* v) : v_(std::string(v)) {}
Value::Value(Array v) : v_(std::move(v)) {}
Value::Value(Object v) : v_(std::move(v)) {}

bool Object::empty() const { return members_.empty(); }
bool Object::operator==(Object const& other) const { return members_ == other.members_; }
bool Value::operator==(Value const& other) const { return v_ == other.v_; }

Value Value::strings(std::vector<std::string> const& texts) { return Array(texts.begin(), texts.end()); }

Result<Value> parse(std::string_view text, Limits limits) {
  auto const refuse = [](std::string_view why) {
    return Error(Errc::malformed, fmt::format("not JSON that we accept: {}", why));
  };
  if (text.size() > limits.bytes) return Error(Errc::malformed, "JSON text is too long");
  if (text.starts_with("\xEF\xBB\xBF")) return Error(Errc::malformed, "JSON text starts with a byte order mark");
  if (!is_utf8(text)) return refuse("it is not UTF-8");
  if (has_control(text)) return refuse("it holds a control character");
  // In place, in a copy: RapidJSON then finds the ends of strings many octets at a time and moves nothing.
  constexpr std::size_t kLookAhead = 16;  // so many octets it looks at together, also at the end
  std::string copy;
  copy.reserve(text.size() + kLookAhead);
  copy.append(text).append(kLookAhead, '\0');
  rapidjson::InsituStringStream stream(copy.data());
  rapidjson::Reader reader;
  Builder builder(limits);
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseInsituFlag;
  auto const outcome = reader.Parse<kFlags>(stream, builder);
  if (outcome.IsError()) {
    std::string const why = builder.reason().empty() ? rapidjson::GetParseError_En(outcome.Code()) : builder.reason();
    return Error(Errc::malformed, fmt::format("not JSON that we accept (at byte {}): {}", outcome.Offset(), why));
  }
  return builder.take();
}

Result<Object> parse_object(std::string_view text, Limits limits) {
  TRY(auto value, parse(text, limits));
  if (auto* object = value.as_object()) return std::move(*object);
  return Error(Errc::malformed, "a JSON object is expected");
}

std::string write(Value const& value) {
  Output output;
  rapidjson::Writer<Output> writer(output);
  emit(writer, value);
  return output.text();
}

std::string write_pretty(Value const& value) {
  Output output;
  rapidjson::PrettyWriter<Output> writer(output);
  writer.SetIndent(' ', 2);
  emit(writer, value);
  return output.text() + "\n";
}

Result<std::optional<std::string>> get_string(Object const& object, std::string_view name) {
  Value const* value = object.find(name);
  if (value == nullptr) return std::optional<std::string>();
  if (auto const* text = value->as_string()) return std::optional<std::string>(*text);
  return wrong_type(name, "a string");
}

Result<std::optional<std::int64_t>> get_int(Object const& object, std::string_view name) {
  Value const* value = object.find(name);
  if (value == nullptr) return std::optional<std::int64_t>();
  if (auto const* number = value->as_int()) return std::optional<std::int64_t>(*number);
  return wrong_type(name, "a whole number");
}

Result<std::optional<bool>> get_bool(Object const& object, std::string_view name) {
  Value const* value = object.find(name);
  if (value == nullptr) return std::optional<bool>();
  if (auto const* flag = value->as_bool()) return std::optional<bool>(*flag);
  return wrong_type(name, "true or false");
}

Result<std::optional<Object>> get_object(Object const& object, std::string_view name) {
  Value const* value = object.find(name);
  if (value == nullptr) return std::optional<Object>();
  if (auto const* inner = value->as_object()) return std::optional<Object>(*inner);
  return wrong_type(name, "an object");
}

Result<std::optional<std::vector<std::string>>> get_strings(Object const& object, std::string_view name) {
  Value const* value = object.find(name);
  if (value == nullptr) return std::optional<std::vector<std::string>>();
  auto const* array = value->as_array();
  if (array == nullptr) return wrong_type(name, "an array of strings");
  std::vector<std::string> texts;
  for (auto const& element : *array) {
    auto const* text = element.as_string();
    if (text == nullptr) return wrong_type(name, "an array of strings");
    texts.push_back(*text);
  }
  return std::optional(std::move(texts));
}

Result<std::string> need_string(Object const& object, std::string_view name) {
  return required(get_string(object, name), name);
}
Result<std::string_view> need_text(Object const& object, std::string_view name) {
  Value const* value = object.find(name);
  if (value == nullptr) return absent(name);
  if (auto const* text = value->as_string()) return std::string_view(*text);
  return wrong_type(name, "a string");
}
Result<std::int64_t> need_int(Object const& object, std::string_view name) {
  return required(get_int(object, name), name);
}
Result<bool> need_bool(Object const& object, std::string_view name) { return required(get_bool(object, name), name); }
Result<Object> need_object(Object const& object, std::string_view name) {
  return required(get_object(object, name), name);
}
Result<std::vector<std::string>> need_strings(Object const& object, std::string_view name) {
  return required(get_strings(object, name), name);
}

Result<Array> need_array(Object const& object, std::string_view name) {
  Value const* value = object.find(name);
  if (value == nullptr) return absent(name);
  if (auto const* array = value->as_array()) return *array;
  return wrong_type(name, "an array");
}

}  // namespace lenscap::json
