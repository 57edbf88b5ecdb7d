#include "ca/audit_export.h"

#include <algorithm>
#include <utility>

namespace lenscap::ca {
namespace {

constexpr std::string_view kBefore = ",\"before\":\"";
constexpr std::string_view kHash = "\",\"hash\":\"";
constexpr std::string_view kEnd = "\"}";
constexpr std::size_t kHexDigits = 2 * sizeof(Sha256);
// What a line has instead of the last octet of the entry's text, which is a brace.
constexpr std::size_t kTailSize = kBefore.size() + kHash.size() + 2 * kHexDigits + kEnd.size();

std::optional<Sha256> read_hash(std::string_view digits) {
  auto const octets = from_hex(digits);
  Sha256 hash{};
  if (!octets || octets->size() != hash.size()) return std::nullopt;
  std::ranges::copy(*octets, hash.begin());
  return to_hex(hash) == digits ? std::optional(hash) : std::nullopt;  // in one spelling
}

std::vector<AuditHead> by_number(std::vector<AuditHead> heads) {
  std::ranges::sort(heads, {}, &AuditHead::number);
  return heads;
}

std::string name_of(std::uint64_t number) { return "entry " + std::to_string(number); }

}  // namespace

Result<std::string> audit_line(NumberedEntry const& read, Sha256 const& before) {
  auto const& text = read.text;
  if (text.empty() || text.back() != '}' || text.find_first_of("\r\n") != text.npos)
    return Error(Errc::malformed, "it is not written as this program writes entries, and is no line of a file");
  return text.substr(0, text.size() - 1) + std::string(kBefore) + to_hex(before) + std::string(kHash) +
         to_hex(read.hash) + std::string(kEnd);
}

ExportCheck::ExportCheck(std::vector<AuditHead> kept, std::uint64_t from)
    : kept_(by_number(std::move(kept))), next_kept_(kept_.begin()) {
  verdict_.begins = from;
  verdict_.last.number = from - 1;
  if (from == 1) before_ = Sha256{};
  // The head of the entry before the file's first says what that one is bound to.
  for (; next_kept_ != kept_.end() && next_kept_->number < from; ++next_kept_)
    if (next_kept_->number != 0 && next_kept_->number == from - 1) before_ = next_kept_->hash;
}

Result<ExportCheck::Line> ExportCheck::read_line(std::string_view text) {
  Error const none(Errc::malformed, "it is no line that audit export writes for an entry");
  if (text.size() <= kTailSize || text.size() > kAuditLineMax) return none;
  auto tail = text.substr(text.size() - kTailSize);
  auto const take = [&](std::size_t count) {
    auto const taken = tail.substr(0, count);
    tail.remove_prefix(count);
    return taken;
  };
  if (take(kBefore.size()) != kBefore) return none;
  auto const before = read_hash(take(kHexDigits));
  if (take(kHash.size()) != kHash) return none;
  auto const hash = read_hash(take(kHexDigits));
  if (!before || !hash || tail != kEnd) return none;
  Line line;
  TRY(line.read, read_audit_entry(std::string(text.substr(0, text.size() - kTailSize)) + "}"));
  line.before = *before;
  line.read.hash = *hash;
  return line;
}

// Whether somebody accepted that what was before it is lost; only a head of it or of a later one says that it was the
// CA who wrote so.
bool ExportCheck::begins_anew(Line const& line) const {
  return line.read.entry.event == AuditEvent::audit_break_accepted && line.read.number > verdict_.last.number &&
         line.before == Sha256{} && line.read.hash == chain_audit(line.before, line.read.text);
}

void ExportCheck::fault(std::string text) {
  if (verdict_.fault.empty()) verdict_.fault = std::move(text);
}

void ExportCheck::take(Line const& line) {
  auto const expected = verdict_.last.number + 1;
  auto const name = name_of(expected);
  auto const& read = line.read;
  if (read.number > expected) return fault(name + " is missing; the next one is " + std::to_string(read.number));
  if (read.number < expected)
    return fault(name + " is missing: " + name_of(read.number) + " stands in its place, once more or out of order");
  if (read.hash != chain_audit(line.before, read.text))
    return fault(name + " was changed, or stands where another one was");
  if (before_ && *before_ != line.before)
    return fault(name + " does not follow on what is before it: it, or one before it, was written anew");
  for (; next_kept_ != kept_.end() && next_kept_->number == expected; ++next_kept_) {
    if (next_kept_->hash != read.hash)
      return fault(name + " is not what it was when the head was kept: it, or one before it, was written anew");
    verdict_.kept = expected;
  }
  verdict_.last = {expected, read.hash};
  before_ = read.hash;
}

void ExportCheck::line(std::string_view text) {
  auto const read = read_line(text);
  if (!read.ok()) return fault(name_of(verdict_.last.number + 1) + " cannot be read: " + read.error().detail());
  if (begins_anew(*read)) {
    verdict_.fault.clear();
    verdict_.begins = read->read.number;
    verdict_.kept = 0;
    verdict_.last.number = read->read.number - 1;
    before_ = Sha256{};
    next_kept_ = std::ranges::lower_bound(kept_, read->read.number, {}, &AuditHead::number);
  }
  if (verdict_.fault.empty()) take(*read);
}

ExportVerdict ExportCheck::finish() {
  auto const next = name_of(verdict_.last.number + 1);
  if (next_kept_ != kept_.end())
    fault(next + " is missing: the file ends before it, and a head that was kept tells of " +
          std::to_string(kept_.back().number));
  else if (!kept_.empty() && verdict_.kept == 0)
    fault("no head that was given tells of " + name_of(verdict_.begins) +
          ", with which the file begins, or of a later one");
  if (verdict_.last.number < verdict_.begins) fault("there is no entry in it");
  return verdict_;
}

}  // namespace lenscap::ca
