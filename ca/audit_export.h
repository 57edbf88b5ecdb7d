// The audit trail as a file of lines, for who has no store: each line has its entry octet for octet as the store has
// it, and the hashes by which it is bound to all before it, so that the file can be held against heads that were kept
// (audit_head.h) with this program or with any other that knows SHA-256 (docs/operations.md has the recipe).
//
// Guaranteed: of a file that ends with an entry of which a head tells, every octet is as it was when that head was
// signed. Not guaranteed: what comes behind the last head; who made the file could have made that, too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ca/audit.h"

namespace lenscap::ca {

// --- making ---

// A line without its end: the entry's text, and at the end of its object the members `before` and `hash`, in hex.
// `before`: that of the entry before it. Errc::malformed for what some other program wrote into the store and what
// would not come out of a line as it went in.
Result<std::string> audit_line(NumberedEntry const& read, Sha256 const& before);

// --- checking ---

constexpr std::size_t kAuditLineMax = kAuditTextMax + 256;

struct ExportVerdict {
  AuditHead last;            // the last entry that is good, with all before it
  std::uint64_t begins = 1;  // with this one: the first of the file, or the last with which a chain began anew
  std::uint64_t kept = 0;    // up to this one a head tells that it was so; 0: none was given
  std::string fault;         // as AuditVerdict's
};

class ExportCheck {
 public:
  // `kept`: in any order. `from`: the number with which the file has to begin.
  explicit ExportCheck(std::vector<AuditHead> kept, std::uint64_t from = 1);
  ExportCheck(ExportCheck const&) = delete;
  ExportCheck& operator=(ExportCheck const&) = delete;

  // The next line. After a fault only an entry with which a chain begins anew is of interest.
  void line(std::string_view text);
  ExportVerdict finish();

 private:
  struct Line {
    NumberedEntry read;
    Sha256 before{};
  };
  static Result<Line> read_line(std::string_view text);
  bool begins_anew(Line const& line) const;
  void fault(std::string text);
  void take(Line const& line);

  std::vector<AuditHead> const kept_;  // by number
  std::vector<AuditHead>::const_iterator next_kept_;
  ExportVerdict verdict_;
  std::optional<Sha256> before_;  // of the next entry, where it is known
};

}  // namespace lenscap::ca
