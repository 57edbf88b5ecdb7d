#include "acme/server/records/meta.h"

#include "acme/server/records/fields.h"

namespace lenscap::acme {
namespace {

using store::ReadTxn;
using store::Table;
using store::WriteTxn;

using namespace records;

constexpr Table kMeta{"acme_meta"};

}  // namespace

std::optional<std::string> load_meta(ReadTxn& txn, std::string_view key) { return txn.get(kMeta, key); }
void save_meta(WriteTxn& txn, std::string_view key, std::string_view value) { txn.put(kMeta, key, value); }

}  // namespace lenscap::acme
