// One SOAP call to a device's certificate service, and what its faults mean to us.
#pragma once

#include "agent/devices/shared/connection.h"
#include "agent/devices/shared/soap.h"

namespace lenscap::agent {

// The answer, fault or not. Refuses when there is none: connection, login, no such service, no SOAP.
net::Awaitable<DeviceResult<soap::Answer>> ask(Connection& connection, soap::Element request, Pace pace = Pace::usual);

// The answer's element; a fault is a refusal. An answer to another question is bad_answer.
net::Awaitable<DeviceResult<soap::Element>> call(Connection& connection, soap::Element request,
                                                 Pace pace = Pace::usual);

DeviceError fault_error(soap::Fault const& fault, std::string_view what);

// The element itself, or bad_answer when it is not the response to `request`.
DeviceResult<> check_response(soap::Element const& request, soap::Element const& response);

}  // namespace lenscap::agent
