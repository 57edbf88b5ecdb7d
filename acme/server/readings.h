// What is read for /metrics at the moment at which somebody asks: of what lives, not of what was counted (metrics.h).
#pragma once

#include "acme/server/metrics.h"

namespace lenscap::acme {

struct App;

// All but what sockets tell: connections and the server's own certificate. Some records and two or three calls of the
// kernel; never a scan. What cannot be read is as if it were not there.
Metrics::Readings take_readings(App const& app);

}  // namespace lenscap::acme
