// Which errors are refusals: somebody who was known asked for something, and a rule of this CA was against it. A fault
// of the server, or a state in which it does nothing for anybody (busy, stopping, no room, a token away), judges
// nobody, whatever HTTP status it has. For the audit trail.
#pragma once

#include "base/error.h"

namespace lenscap::acme {

// Of a request over ACME. A compound error is a refusal when one of its parts is.
bool is_refusal(Error const& error);

// Of an operation that somebody of this machine asked for. What a command calls its own mistakes counts here: who may
// change something and gives what cannot be is refused, too.
bool is_refusal_of_operation(Error const& error);

}  // namespace lenscap::acme
