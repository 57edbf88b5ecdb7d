// Name constraints, one set beside another: is it inside, and what of it is? By all five types of names that there are
// here. Pure.
#pragma once

#include <optional>

#include "base/x509/name_constraints.h"

namespace lenscap::ca {

// Does `inner` permit nothing that `outer` does not? Nothing: no constraints at all. It errs on one side alone: what is
// narrower by several subtrees together, and by none of them, is called wider.
bool is_narrower_or_equal(std::optional<x509::NameConstraints> const& inner,
                          std::optional<x509::NameConstraints> const& outer);

// Makes `inner` narrower where nobody asks for it by name: what `outer` excludes is excluded, and of mail addresses,
// URIs and directory names no more is permitted than `outer` permits. Where nothing of such a type is in both, no mail
// addresses and no URIs are left; of directory names, all of what either permits is left to be refused by
// is_narrower_or_equal(). DNS names and addresses that are permitted stay as they are.
void keep_limits_of(x509::NameConstraints const& outer, x509::NameConstraints& inner);

}  // namespace lenscap::ca
