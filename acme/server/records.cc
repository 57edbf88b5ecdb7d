#include "acme/server/records.h"

namespace lenscap::acme {

Error not_found() { return Error(Errc::not_found, "there is no such object, or it belongs to another account"); }

}  // namespace lenscap::acme
