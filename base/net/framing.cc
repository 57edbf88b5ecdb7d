#include "base/net/framing.h"

#include <algorithm>
#include <array>

namespace lenscap::net {
namespace {

constexpr std::size_t kMethodBytesMax = 16;
constexpr std::size_t kChunkSizeDigitsMax = 8;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// Which octets belong to a set: letters, digits and some marks.
using Octets = std::array<bool, 256>;
constexpr Octets letters_digits_and(std::string_view marks) {
  Octets set{};
  for (unsigned c = 0; c < set.size(); ++c)
    set[c] = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  for (char const c : marks) set[static_cast<unsigned char>(c)] = true;
  return set;
}
bool is_in(Octets const& set, char c) { return set[static_cast<unsigned char>(c)]; }

// RFC 9110 5.6.2
constexpr Octets kToken = letters_digits_and("!#$%&'*+-.^_`|~");
bool is_token_char(char c) { return is_in(kToken, c); }
bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

// Octets that no part of a head may hold, line ends apart.
bool is_control(char c) {
  auto const octet = static_cast<unsigned char>(c);
  return (octet < 0x20 && c != '\t' && c != '\r' && c != '\n') || octet == 0x7f;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_one_of(text.front(), " \t")) text.remove_prefix(1);
  while (!text.empty() && is_one_of(text.back(), " \t")) text.remove_suffix(1);
  return text;
}

// --- request line (RFC 9112 3)
// -----------------------------------------------------------------------------------------

// Characters of RFC 3986 that stand for themselves in a path or query.
constexpr Octets kTarget = letters_digits_and("-._~!$&'()*+,;=:@/?");
bool is_target_char(char c) { return is_in(kTarget, c); }

bool is_dot_segment(std::string_view segment) {
  std::string plain;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (lower(segment.substr(i, 3)) == "%2e") {
      plain += '.';
      i += 2;
    } else {
      plain += segment[i];
    }
  }
  return plain == "." || plain == "..";
}

// Why the target is refused, or nothing.
std::string_view check_target(std::string_view target) {
  // DIVERGENCE from RFC 9112 3.2.2: a server ought to take the absolute form too; only proxies send it.
  if (!target.starts_with('/')) return "the request target must be a path that starts with '/'";
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] == '%') {
      if (i + 2 >= target.size() || hex_value(target[i + 1]) < 0 || hex_value(target[i + 2]) < 0)
        return "the request target has a '%' without two hexadecimal digits";
      i += 2;
    } else if (!is_target_char(target[i])) {
      return "the request target has a character that does not belong there";
    }
  }
  auto path = target.substr(1, target.find('?') - 1);
  while (true) {
    auto const slash = path.find('/');
    if (is_dot_segment(path.substr(0, slash))) return "the request target has a '.' or '..' segment";
    if (slash == std::string_view::npos) return {};
    path.remove_prefix(slash + 1);
  }
}

FramingRefusal read_request_line(std::string_view line, FramingLimits const& limits, RequestHead& head) {
  auto const first = line.find(' ');
  auto const last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return {400, "the request line must be METHOD TARGET VERSION"};
  auto const method = line.substr(0, first);
  auto const target = line.substr(first + 1, last - first - 1);
  auto const version = line.substr(last + 1);
  if (!is_token(method) || method.size() > kMethodBytesMax) return {400, "the method is malformed"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return {400, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  if (target.size() > limits.target_bytes) return {414, "the request target is too long"};
  if (auto const why = check_target(target); !why.empty()) return {400, why};
  head.method = method;
  head.target = target;
  head.minor_version = version.back() - '0';
  return {200, {}};
}

// --- fields (RFC 9112 5)
// -----------------------------------------------------------------------------------------------

// The fields that decide where a request ends and whether the connection goes on.
struct FramingFields {
  std::size_t hosts = 0;
  std::string_view host;
  std::size_t lengths = 0;
  std::string_view length;
  std::size_t encodings = 0;
  std::string_view encoding;
  std::size_t expects = 0;
  std::string expect;
  bool close = false;
  bool keep_alive = false;
};

// False when an option is not a token (RFC 9110 7.6.1).
bool read_connection(std::string_view value, FramingFields& fields) {
  while (true) {
    auto const comma = value.find(',');
    auto const option = lower(trim(value.substr(0, comma)));
    if (!option.empty() && !is_token(option)) return false;
    if (option == "close") fields.close = true;
    if (option == "keep-alive") fields.keep_alive = true;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

// What some server or script takes for one of the fields above, since CGI spells '-' as '_'.
bool is_look_alike(std::string name) {
  if (name.find('_') == std::string::npos) return false;
  std::replace(name.begin(), name.end(), '_', '-');
  constexpr std::array<std::string_view, 4> kGuarded = {"content-length", "transfer-encoding", "expect", "connection"};
  return std::find(kGuarded.begin(), kGuarded.end(), name) != kGuarded.end();
}

FramingRefusal read_field(std::string_view line, FramingFields& fields) {
  // RFC 9112 5.2: a server must refuse line folding, or join the lines
  if (is_one_of(line.front(), " \t")) return {400, "a header field is folded over two lines"};
  auto const colon = line.find(':');
  if (colon == std::string_view::npos) return {400, "a header field has no colon"};
  // RFC 9112 5.1: white space before the colon must be refused; no token has any
  if (!is_token(line.substr(0, colon))) return {400, "a header field's name is malformed"};
  auto const name = lower(line.substr(0, colon));
  auto const value = trim(line.substr(colon + 1));
  if (is_look_alike(name)) return {400, "a header field imitates one that frames the request"};
  if (name == "host") {
    ++fields.hosts;
    fields.host = value;
  } else if (name == "content-length") {
    ++fields.lengths;
    fields.length = value;
  } else if (name == "transfer-encoding") {
    ++fields.encodings;
    fields.encoding = value;
  } else if (name == "expect") {
    ++fields.expects;
    fields.expect = lower(value);
  } else if (name == "connection") {
    if (!read_connection(value, fields)) return {400, "the Connection field is malformed"};
  }
  return {200, {}};
}

bool is_host(std::string_view host) {
  static constexpr Octets kHost = letters_digits_and("-._~!$&'()*+,;=:[]%");
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) { return is_in(kHost, c); });
}

// --- where the body ends (RFC 9112 6)
// ----------------------------------------------------------------------------------

bool may_carry_body(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

FramingRefusal read_length(std::string_view text, FramingLimits const& limits, RequestHead& head) {
  bool const digits = !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
  if (!digits) return {400, "Content-Length must be one decimal number"};
  if (text.size() > 1 && text.front() == '0') return {400, "Content-Length must not start with a zero"};
  if (text.size() > 18) return {400, "Content-Length is beyond all reason"};  // below 2^63 whatever the digits
  std::size_t length = 0;
  for (char const c : text) length = length * 10 + static_cast<std::size_t>(c - '0');
  if (length == 0) return {200, {}};
  if (!may_carry_body(head.method)) return {400, "a request of this method must not have a body"};
  if (length > limits.body_bytes || head.octets + length > limits.request_bytes)
    return {413, "the request body is too large"};
  head.body = RequestHead::Body::length;
  head.content_length = length;
  return {200, {}};
}

FramingRefusal decide_body(FramingFields const& fields, FramingLimits const& limits, RequestHead& head) {
  if (fields.lengths > 1) return {400, "Content-Length is given twice"};
  if (fields.encodings > 1) return {400, "Transfer-Encoding is given twice"};
  if (fields.encodings == 1) {
    if (fields.lengths == 1) return {400, "Content-Length and Transfer-Encoding exclude each other"};
    if (head.minor_version == 0) return {400, "Transfer-Encoding does not exist in HTTP/1.0"};
    // DIVERGENCE from RFC 9112 7: no coding but this one, in this spelling
    if (fields.encoding != "chunked") return {400, "Transfer-Encoding can only be chunked"};
    if (!may_carry_body(head.method)) return {400, "a request of this method must not have a body"};
    head.body = RequestHead::Body::chunked;
    return {200, {}};
  }
  if (fields.lengths == 1) return read_length(fields.length, limits, head);
  // DIVERGENCE from RFC 9112 6.3 rule 7 (no length = no body), as RFC 9110 15.5.12 allows: a sender that forgot the
  // length would otherwise see its body taken for the next request
  if (may_carry_body(head.method)) return {411, "a request of this method needs a Content-Length"};
  return {200, {}};
}

FramingRefusal decide(FramingFields const& fields, FramingLimits const& limits, RequestHead& head) {
  // RFC 9112 3.2, and DIVERGENCE: HTTP/1.0 needs a Host here too
  if (fields.hosts != 1) return {400, "there must be exactly one Host field"};
  if (!is_host(fields.host)) return {400, "the Host field is malformed"};
  head.keep_alive = !fields.close && (head.minor_version == 1 || fields.keep_alive);
  if (auto const refusal = decide_body(fields, limits, head); refusal.status != 200) return refusal;
  if (fields.expects == 0 || head.minor_version == 0) return {200, {}};
  if (fields.expects > 1 || fields.expect != "100-continue") return {417, "only Expect: 100-continue is known here"};
  head.expects_continue = head.body != RequestHead::Body::none;
  return {200, {}};
}

}  // namespace

RequestGate::State RequestGate::refuse(int status, std::string_view reason) {
  refusal_ = {status, reason};
  return state_ = State::refused;
}

// Every line must end in CR LF; a lone CR or LF is what another server might take for a line's end.
RequestGate::State RequestGate::scan_head(std::string_view buffer) {
  if (position_ == 0 && !buffer.empty() && !is_token_char(buffer.front())) return refuse(400, "this is not HTTP");
  for (; position_ < buffer.size(); ++position_) {
    if (position_ >= limits_.header_bytes) return refuse(431, "the request's header is too large");
    char const c = buffer[position_];
    if (is_control(c)) return refuse(400, "there is a control character in the header");
    if (c == '\r') {
      if (position_ + 1 == buffer.size()) return state_;
      if (buffer[position_ + 1] != '\n') return refuse(400, "there is a carriage return alone in the header");
    }
    if (c != '\n') continue;
    if (buffer[position_ - 1] != '\r') return refuse(400, "a line of the header ends without a carriage return");
    if (position_ < 3 || buffer.substr(position_ - 3, 4) != "\r\n\r\n") continue;
    head_.octets = ++position_;
    return read_head(buffer.substr(0, head_.octets - 2));
  }
  return state_;
}

RequestGate::State RequestGate::read_head(std::string_view lines) {
  auto end = lines.find("\r\n");
  if (auto const bad = read_request_line(lines.substr(0, end), limits_, head_); bad.status != 200)
    return refuse(bad.status, bad.reason);
  lines.remove_prefix(end + 2);
  FramingFields fields;
  for (std::size_t count = 0; !lines.empty(); ++count) {
    if (count == limits_.fields) return refuse(431, "there are too many header fields");
    end = lines.find("\r\n");
    if (auto const bad = read_field(lines.substr(0, end), fields); bad.status != 200)
      return refuse(bad.status, bad.reason);
    lines.remove_prefix(end + 2);
  }
  if (auto const bad = decide(fields, limits_, head_); bad.status != 200) return refuse(bad.status, bad.reason);
  return state_ = head_.body == RequestHead::Body::none ? State::complete : State::in_body;
}

RequestGate::State RequestGate::read_length_body(std::string_view buffer) {
  if (buffer.size() < head_.octets + head_.content_length) return state_;
  position_ = head_.octets + head_.content_length;
  body_octets_ = head_.content_length;
  return state_ = State::complete;
}

// RFC 9112 7.1, without extensions and trailer fields. DIVERGENCE: a recipient ought to skip both; nobody sends them,
// and they are where parsers differ.
RequestGate::State RequestGate::read_chunk_size(std::string_view buffer) {
  std::size_t size = 0;
  std::size_t at = position_;
  for (; at < buffer.size() && hex_value(buffer[at]) >= 0; ++at) {
    if (at - position_ == kChunkSizeDigitsMax) return refuse(400, "a chunk's size has too many digits");
    size = size * 16 + static_cast<std::size_t>(hex_value(buffer[at]));
  }
  if (at == buffer.size()) return state_;
  if (at == position_ || buffer[at] != '\r') return refuse(400, "a chunk must begin with its size alone");
  if (at + 1 == buffer.size()) return state_;
  if (buffer[at + 1] != '\n') return refuse(400, "a chunk must begin with its size alone");
  if (body_octets_ + size > limits_.body_bytes || at + size > limits_.request_bytes)
    return refuse(413, "the request body is too large");
  position_ = at + 2;
  chunk_left_ = size;
  chunk_ = size == 0 ? Chunk::last : Chunk::data;
  return state_;
}

RequestGate::State RequestGate::read_chunks(std::string_view buffer) {
  while (state_ == State::in_body) {
    if (chunk_ == Chunk::size) {
      auto const before = position_;
      if (read_chunk_size(buffer) != State::in_body || position_ == before) return state_;
      continue;
    }
    auto const end = position_ + chunk_left_;  // where CR LF must follow
    if (buffer.size() > end && buffer[end] != '\r') {
      return refuse(400,
                    chunk_ == Chunk::last ? "trailer fields are not accepted" : "a chunk is not as long as it says");
    }
    if (buffer.size() < end + 2) return state_;
    if (buffer[end + 1] != '\n') return refuse(400, "a chunk is not as long as it says");
    position_ = end + 2;
    body_octets_ += chunk_left_;
    chunk_left_ = 0;
    if (chunk_ == Chunk::last) return state_ = State::complete;
    chunk_ = Chunk::size;
  }
  return state_;
}

RequestGate::State RequestGate::feed(std::string_view buffer) {
  if (state_ == State::in_head) scan_head(buffer);
  if (state_ != State::in_body) return state_;
  return head_.body == RequestHead::Body::length ? read_length_body(buffer) : read_chunks(buffer);
}

bool RequestGate::is_body(std::string_view buffer, std::string_view body) const {
  if (head_.body == RequestHead::Body::length) return body == buffer.substr(head_.octets, head_.content_length);
  return body == take_body(buffer);
}

std::string RequestGate::take_body(std::string_view buffer) const {
  if (head_.body == RequestHead::Body::none) return {};
  if (head_.body == RequestHead::Body::length) return std::string(buffer.substr(head_.octets, head_.content_length));
  std::string body;
  body.reserve(body_octets_);
  std::size_t at = head_.octets;
  while (true) {  // understood once already, so nothing can be missing
    std::size_t size = 0;
    for (; buffer[at] != '\r'; ++at) size = size * 16 + static_cast<std::size_t>(hex_value(buffer[at]));
    if (size == 0) return body;
    body += buffer.substr(at + 2, size);
    at += size + 4;
  }
}

}  // namespace lenscap::net
