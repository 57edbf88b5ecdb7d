// A second reader of HTTP/1.1 requests, to compare the framing gate with. It shares no line with base/net/framing.cc
// and is built the other way round: it cuts the text into lines first and asks questions afterwards, as RFC 9112 tells
// a recipient to read, extensions, trailer fields and all.
//
// With `sloppy` it reads as careless servers do: LF alone ends a line, white space before a colon is forgiven, folded
// lines are joined, '_' is taken for '-', the last Content-Length wins, "chunked" may stand anywhere, "0x" may begin a
// size. What the gate lets through must mean the same to both.
#pragma once

#include <cctype>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace reference {

struct Message {
  std::string method;
  std::string target;
  std::string body;
  std::size_t octets = 0;  // on the wire
};

class Reader {
 public:
  Reader(std::string text, bool sloppy) : text_(std::move(text)), sloppy_(sloppy) {}

  // The first request of the text; nothing when it is malformed or not all there.
  std::optional<Message> read() {
    Message message;
    auto const start = next_line();
    if (!start || !read_start(*start, message)) return std::nullopt;
    std::vector<std::pair<std::string, std::string>> fields;
    if (!read_fields(fields)) return std::nullopt;
    if (!read_body(fields, message)) return std::nullopt;
    message.octets = at_;
    return message;
  }

 private:
  std::optional<std::string> next_line() {
    std::string line;
    for (std::size_t i = at_; i < text_.size(); ++i) {
      bool const crlf = text_[i] == '\r' && i + 1 < text_.size() && text_[i + 1] == '\n';
      if (crlf || (sloppy_ && text_[i] == '\n')) {
        at_ = i + (crlf ? 2 : 1);
        return line;
      }
      line.push_back(text_[i]);
    }
    return std::nullopt;
  }

  static std::string small(std::string word) {
    for (auto& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return word;
  }

  static std::string stripped(std::string const& word) {
    std::size_t from = 0;
    std::size_t to = word.size();
    while (from < to && (word[from] == ' ' || word[from] == '\t')) ++from;
    while (to > from && (word[to - 1] == ' ' || word[to - 1] == '\t')) --to;
    return word.substr(from, to - from);
  }

  bool read_start(std::string const& line, Message& message) const {
    std::vector<std::string> words(1);
    for (char const c : line) {
      bool const gap = c == ' ' || (sloppy_ && c == '\t');
      if (!gap) {
        words.back().push_back(c);
      } else if (!sloppy_ || !words.back().empty()) {
        words.emplace_back();
      }
    }
    if (words.size() != 3 || words[0].empty() || words[1].empty()) return false;
    if (words[2].size() != 8 || words[2].compare(0, 7, "HTTP/1.") != 0) return false;
    message.method = words[0];
    message.target = words[1];
    return true;
  }

  bool read_fields(std::vector<std::pair<std::string, std::string>>& fields) {
    while (auto line = next_line()) {
      if (line->empty()) return true;
      bool const folded = (*line)[0] == ' ' || (*line)[0] == '\t';
      if (folded && (!sloppy_ || fields.empty())) return false;
      if (folded) {
        fields.back().second += ' ' + stripped(*line);
        continue;
      }
      auto const colon = line->find(':');
      if (colon == std::string::npos || colon == 0) return false;
      auto name = small(line->substr(0, colon));
      if (!sloppy_ && name != stripped(name)) return false;
      if (sloppy_) {
        name = stripped(name);
        for (auto& c : name) c = c == '_' ? '-' : c;
      }
      fields.emplace_back(name, stripped(line->substr(colon + 1)));
    }
    return false;
  }

  // All members of a list field in all its lines.
  static std::vector<std::string> members(std::vector<std::pair<std::string, std::string>> const& fields,
                                          std::string const& name) {
    std::vector<std::string> list;
    for (auto const& [key, value] : fields) {
      if (key != name) continue;
      std::string word;
      for (char const c : value + ',') {
        if (c != ',') {
          word.push_back(c);
        } else {
          list.push_back(stripped(word));
          word.clear();
        }
      }
    }
    return list;
  }

  // RFC 9112 6.3
  bool read_body(std::vector<std::pair<std::string, std::string>> const& fields, Message& message) {
    auto const codings = members(fields, "transfer-encoding");
    auto const lengths = members(fields, "content-length");
    if (!codings.empty()) {
      bool const last = small(codings.back()) == "chunked";
      bool anywhere = false;
      for (auto const& coding : codings) anywhere = anywhere || small(coding).find("chunked") != std::string::npos;
      if (sloppy_ ? anywhere : last) return read_chunks(message.body);
      if (!sloppy_) return false;
    }
    if (lengths.empty()) return true;
    for (auto const& length : lengths) {
      if (!sloppy_ && length != lengths.front()) return false;
      if (!sloppy_ && (length.empty() || length.find_first_not_of("0123456789") != std::string::npos)) return false;
    }
    return take(std::strtoull(lengths.back().c_str(), nullptr, 10), message.body);
  }

  bool take(unsigned long long count, std::string& out) {
    if (count > text_.size() - at_) return false;
    out += text_.substr(at_, count);
    at_ += count;
    return true;
  }

  bool read_chunks(std::string& body) {
    while (auto line = next_line()) {
      auto const size_text = stripped(line->substr(0, line->find(';')));
      if (!sloppy_ && (size_text.empty() || size_text.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos))
        return false;
      auto const size = std::strtoull(size_text.c_str(), nullptr, 16);
      if (size == 0) {
        std::vector<std::pair<std::string, std::string>> trailers;
        return read_fields(trailers);
      }
      if (!take(size, body)) return false;
      auto const end = next_line();
      if (!end || !end->empty()) return false;
    }
    return false;
  }

  std::string text_;
  bool sloppy_;
  std::size_t at_ = 0;
};

}  // namespace reference
