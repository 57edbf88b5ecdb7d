// Certificates by the identifier of RFC 9773, from the ledger and the orders.
#pragma once

#include <optional>
#include <string_view>

#include "acme/flow/renewal_rules.h"
#include "acme/wire/renewal_info.h"
#include "ca/ledger.h"

namespace lenscap::acme {

// Nothing for one that another CA issued, or that nobody was ever handed.
std::optional<ca::CertificateRecord> find_issued(store::ReadTxn& txn, CertificateId const& id);

std::optional<Time> revoked_at(ca::CertificateRecord const& record);

// What `replaces` names. An order that is past its time does not hold it any more, although nobody wrote that down.
std::optional<Predecessor> load_predecessor(store::ReadTxn& txn, std::string_view replaces, Time now);

}  // namespace lenscap::acme
