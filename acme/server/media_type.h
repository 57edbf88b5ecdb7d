// The media type of a request, as clients write it. RFC 9110 8.3.1: it has no case, and parameters may follow it.
#pragma once

#include <string_view>

#include "base/net/http.h"

namespace lenscap::acme {

// Is it this one, `lower` being in lower case? Not where there is no Content-Type, or more than one.
bool has_media_type(net::Headers const& headers, std::string_view lower);
// Are the two the same but for the case of ASCII letters? `lower` is in lower case.
bool reads(std::string_view text, std::string_view lower);

}  // namespace lenscap::acme
