// /onvif/device_service: the three calls that a camera answers to everybody, which tell its clock and where its
// services are. Nothing else of ONVIF is here.
#pragma once

#include "tests/camsim/exchange.h"

namespace lenscap::camsim {

bool onvif_is_open(Exchange const& x);  // one of the calls that need no login
Outcome serve_onvif(Exchange& x);

}  // namespace lenscap::camsim
