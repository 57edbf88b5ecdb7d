#include "tests/camsim/onvif.h"

#include <ctime>

#include "tests/camsim/soap.h"

namespace lenscap::camsim {
namespace {

std::string date_time(long long now) {
  std::time_t const time = now;
  std::tm parts = {};
  gmtime_r(&time, &parts);
  return wrap("tt:Time", element("tt:Hour", std::to_string(parts.tm_hour)) +
                             element("tt:Minute", std::to_string(parts.tm_min)) +
                             element("tt:Second", std::to_string(parts.tm_sec))) +
         wrap("tt:Date", element("tt:Year", std::to_string(parts.tm_year + 1900)) +
                             element("tt:Month", std::to_string(parts.tm_mon + 1)) +
                             element("tt:Day", std::to_string(parts.tm_mday)));
}

std::string address_of(Exchange const& x) {
  return (x.request.tls ? "https://" : "http://") + x.request.header("Host") + "/onvif/device_service";
}

}  // namespace

bool onvif_is_open(Exchange const& x) {
  if (x.soap == nullptr) return false;
  return x.soap->name == "tds:GetSystemDateAndTime" || x.soap->name == "tds:GetServices" ||
         x.soap->name == "tds:GetCapabilities";
}

Outcome serve_onvif(Exchange& x) {
  std::string const name = x.soap == nullptr ? "" : x.soap->name;
  if (name == "tds:GetSystemDateAndTime")
    return soap_answer(
        wrap("tds:GetSystemDateAndTimeResponse",
             wrap("tds:SystemDateAndTime", element("tt:DateTimeType", "NTP") + element("tt:DaylightSavings", "false") +
                                               wrap("tt:TimeZone", element("tt:TZ", "UTC0")) +
                                               wrap("tt:UTCDateTime", date_time(x.device->now())))));
  if (name == "tds:GetServices")
    return soap_answer(
        wrap("tds:GetServicesResponse",
             wrap("tds:Service", element("tds:Namespace", "http://www.onvif.org/ver10/device/wsdl") +
                                     element("tds:XAddr", address_of(x)) +
                                     wrap("tds:Version", element("tt:Major", "2") + element("tt:Minor", "40")))));
  if (name == "tds:GetCapabilities")
    return soap_answer(wrap("tds:GetCapabilitiesResponse",
                            wrap("tds:Capabilities", wrap("tt:Device", element("tt:XAddr", address_of(x))))));
  return fault_of(x, {FaultSide::receiver, "ter:ActionNotSupported", "Optional action not implemented",
                      "The requested action is optional and is not implemented"});
}

}  // namespace lenscap::camsim
