#include "ca/clock_mark.h"

#include <charconv>

#include "ca/ledger_tables.h"

namespace lenscap::ca {

using tables::kState;

Result<> check_clock(std::optional<Time> mark, Time now) {
  if (now < from_unix(kProgramBegins))
    return Error(Errc::unavailable, "this machine's clock says " + to_rfc3339(now) +
                                        ", when this program was not there yet; nothing is signed until the clock is "
                                        "right");
  if (!mark || now >= *mark - kClockStepBack) return {};
  return Error(Errc::unavailable, "this machine's clock says " + to_rfc3339(now) +
                                      ", but a certificate or a revocation list was made at " + to_rfc3339(*mark) +
                                      "; nothing is signed until the clock is right. If it is right now and was ahead "
                                      "then: lenscap-ca serve --accept-clock, once");
}

std::optional<Time> clock_mark(store::ReadTxn& txn) {
  auto const text = txn.get(kState, "clock");
  if (!text) return std::nullopt;
  long long seconds = 0;
  auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc{} || end != text->data() + text->size())
    throw store::Broken("the ledger's clock mark cannot be read");
  return from_unix(seconds);
}

std::optional<Time> accept_clock(store::WriteTxn& txn, Time now) {
  auto const mark = clock_mark(txn);
  if (!mark || *mark <= now) return std::nullopt;
  txn.put(kState, "clock", std::to_string(to_unix(now)));
  return mark;
}

void lift_clock_mark(store::WriteTxn& txn, Time time) {
  auto const mark = clock_mark(txn);
  if (!mark || *mark < time) txn.put(kState, "clock", std::to_string(to_unix(time)));
}

}  // namespace lenscap::ca
