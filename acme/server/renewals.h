// Certificates by the identifier of RFC 9773, from the ledger and the orders.
#pragma once

#include <optional>
#include <string_view>

#include "acme/flow/renewal_rules.h"
#include "acme/wire/renewal_info.h"
#include "ca/authority.h"
#include "ca/ledger.h"

namespace lenscap::acme {

// Nothing for one that another CA issued, or that nobody was ever handed.
std::optional<ca::CertificateRecord> find_issued(store::ReadTxn& txn, CertificateId const& id);

// When it was revoked, or its issuer was: then it is no better.
std::optional<Time> not_trusted_since(ca::CertificateRecord const& record, ca::Authority const& authority);

// What `replaces` names. An order that is past its time does not hold it any more, although nobody wrote that down.
std::optional<Predecessor> load_predecessor(store::ReadTxn& txn, ca::Authority const& authority,
                                            std::string_view replaces, Time now);

}  // namespace lenscap::acme
