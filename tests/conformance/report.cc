#include "tests/conformance/report.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

namespace lenscap::conformance {
namespace {

constexpr std::size_t kMessageLength = 3000;

std::string indent(std::string const& text, std::string const& margin) {
  std::istringstream lines(text);
  std::string out, line;
  while (std::getline(lines, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    out += margin + line + "\n";
  }
  return out;
}

// Text that a terminal and a JSON reader can take: other octets as \xNN.
std::string printable(std::string const& text) {
  std::string out;
  for (char const c : text)
    if ((c >= ' ' && c < 0x7f) || c == '\n' || c == '\t')
      out += c;
    else if (c != '\r')
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::vector<std::size_t> shown(Verdict const& verdict) {
  std::vector<std::size_t> list;
  for (auto const& finding : verdict.findings)
    if (finding.exchange < verdict.exchanges.size() &&
        std::find(list.begin(), list.end(), finding.exchange) == list.end())
      list.push_back(finding.exchange);
  if (list.empty() && !verdict.exchanges.empty()) list.push_back(verdict.exchanges.size() - 1);
  return list;
}

}  // namespace

Result<Divergences> read_divergences(std::string const& text) {
  Divergences found;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.empty() || line[0] == '#') continue;
    auto const space = line.find(' ');
    if (space == std::string::npos || line.size() - space < 12)
      return Error(Errc::usage, "divergences: \"" + line + "\" is not an id and a reason");
    found.emplace(line.substr(0, space), line.substr(space + 1));
  }
  return found;
}

Tally count(std::vector<Verdict> const& verdicts, Divergences const& divergences) {
  Tally tally;
  for (auto const& verdict : verdicts) {
    bool const listed = divergences.contains(verdict.check.id);
    if (verdict.outcome == Outcome::pass) {
      ++tally.passed;
      if (listed) tally.settled.emplace_back(verdict.check.id);
    } else if (verdict.outcome == Outcome::fail) {
      ++tally.failed;
      tally.listed += listed ? 1 : 0;
    } else {
      ++tally.skipped;
    }
  }
  return tally;
}

std::string readable(std::string const& message) {
  auto const gap = message.find("\r\n\r\n");
  auto head = gap == std::string::npos ? message : message.substr(0, gap);
  auto body = gap == std::string::npos ? std::string() : message.substr(gap + 4);
  if (auto const jws = json::parse_object(body)) {
    std::string decoded;
    for (auto const* part : {"protected", "payload"}) {
      auto const text = member_text(*jws, part);
      auto const octets = from_base64url(text);
      decoded += std::string(part) + ": " + (octets ? std::string(as_text(*octets)) : "(not base64url) " + text) + "\n";
    }
    if (jws->find("protected") != nullptr && jws->find("signature") != nullptr)
      body = decoded + "signature: " + short_text(member_text(*jws, "signature"), 24);
  }
  return short_text(printable(head + (body.empty() ? "" : "\n\n" + body)), kMessageLength);
}

std::string to_text(Verdict const& verdict, Divergences const& divergences) {
  auto const listed = divergences.find(verdict.check.id);
  bool const failed = verdict.outcome == Outcome::fail;
  auto const word = verdict.outcome == Outcome::not_applicable ? "n/a " : to_string(verdict.outcome);
  auto out = fmt::format("{}  {:<18} {}\n", word, verdict.check.id, verdict.check.title);
  if (!verdict.reason.empty()) out += "      (" + verdict.reason + ")\n";
  if (!failed) return out;
  if (listed != divergences.end()) {
    for (auto const& finding : verdict.findings) out += "      - " + printable(finding.what) + "\n";
    return out + "      known divergence: " + listed->second + "\n";
  }
  out += "      " + section_of(verdict.check.id) + "\n";
  for (auto const& finding : verdict.findings) out += "      - " + printable(finding.what) + "\n";
  for (auto const index : shown(verdict)) {
    out += "      request\n" + indent(readable(verdict.exchanges[index].request), "        > ");
    out += "      answer\n" + indent(readable(verdict.exchanges[index].answer), "        < ");
  }
  return out;
}

json::Object to_json(std::vector<Verdict> const& verdicts, Divergences const& divergences) {
  json::Array list;
  for (auto const& verdict : verdicts) {
    json::Object item{{"id", verdict.check.id},
                      {"section", section_of(verdict.check.id)},
                      {"title", verdict.check.title},
                      {"verdict", to_string(verdict.outcome)}};
    if (!verdict.reason.empty()) item.set("reason", verdict.reason);
    std::vector<std::string> findings;
    for (auto const& finding : verdict.findings) findings.push_back(printable(finding.what));
    if (!findings.empty()) item.set("findings", json::Value::strings(findings));
    if (auto const listed = divergences.find(verdict.check.id);
        listed != divergences.end() && verdict.outcome == Outcome::fail)
      item.set("divergence", listed->second);
    json::Array evidence;
    for (auto const index : shown(verdict))
      evidence.emplace_back(json::Object{{"request", readable(verdict.exchanges[index].request)},
                                         {"answer", readable(verdict.exchanges[index].answer)}});
    item.set("evidence", evidence);
    list.emplace_back(item);
  }
  auto const tally = count(verdicts, divergences);
  return {{"passed", tally.passed},
          {"failed", tally.failed},
          {"skipped", tally.skipped},
          {"listed_divergences", tally.listed},
          {"verdicts", list}};
}

}  // namespace lenscap::conformance
