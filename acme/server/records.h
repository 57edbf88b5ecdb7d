// ACME objects as store records, and the indexes that find them. Free functions over the store's transactions, so that
// a handler loads, decides and saves in one of them. No rule is made here.
//
// An object of another account and one that does not exist look alike: "not found" with one text (8555-6.3-5).
// A record of ours that cannot be read is a broken store: an exception.
#pragma once

#include "acme/server/records/accounts.h"
#include "acme/server/records/authorizations.h"
#include "acme/server/records/due.h"
#include "acme/server/records/eab_keys.h"
#include "acme/server/records/live_names.h"
#include "acme/server/records/meta.h"
#include "acme/server/records/orders.h"

namespace lenscap::acme {

Error not_found();  // for every object that is absent or another account's

}  // namespace lenscap::acme
