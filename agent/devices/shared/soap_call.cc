#include "agent/devices/shared/soap_call.h"

#include <array>

#include "agent/devices/shared/text.h"

namespace lenscap::agent {

namespace {

struct FaultRow {
  std::string_view name;
  DeviceErrc code;
};
// Declared faults of the certificate service first, then what ONVIF names.
constexpr std::array kFaults = {
    FaultRow{"CertificateIdInUseFault", DeviceErrc::id_in_use},
    FaultRow{"MaxNumberOfCertificatesFault", DeviceErrc::store_full},
    FaultRow{"KeyPairGenerationFault", DeviceErrc::key_generation_failed},
    FaultRow{"Pkcs10GenerationFault", DeviceErrc::key_generation_failed},
    FaultRow{"CertificateFormatFault", DeviceErrc::bad_certificate},
    FaultRow{"NotAuthorized", DeviceErrc::not_admin},
    FaultRow{"ActionNotSupported", DeviceErrc::unsupported},
    FaultRow{"TagMismatch", DeviceErrc::unsupported},
    FaultRow{"InvalidArgVal", DeviceErrc::bad_certificate},
};

}  // namespace

DeviceError fault_error(soap::Fault const& fault, std::string_view what) {
  std::string const text = std::string(what) + ": the device refuses: " + fault.text();
  for (FaultRow const& row : kFaults) {
    if (!fault.names(row.name)) continue;
    bool const about_the_key =
        fault.reason.find("match") != std::string::npos || fault.detail.find("match") != std::string::npos;
    if (row.code == DeviceErrc::bad_certificate && about_the_key && row.name == "CertificateFormatFault")
      return {DeviceErrc::key_mismatch, text};
    return {row.code, text};
  }
  return {fault.sender ? DeviceErrc::bad_answer : DeviceErrc::busy_timeout, text};
}

net::Awaitable<DeviceResult<soap::Answer>> ask(Connection& connection, soap::Element request, Pace pace) {
  Exchange exchange;
  exchange.method = net::Method::post;
  exchange.path = "/vapix/services";
  exchange.content_type = "application/soap+xml; charset=utf-8";
  exchange.body = soap::envelope(request);
  exchange.pace = pace;
  auto response = co_await connection.send(std::move(exchange));
  if (!response.ok()) {
    DeviceError error = std::move(response).error();
    error.text = request.name + ": " + error.text;
    co_return error;
  }
  auto answer = soap::parse_answer(response->body);
  // A fault comes with 400 or 500 from some firmware, with 200 from other.
  if (answer.ok()) co_return *std::move(answer);
  if (response->status != 200) co_return unexpected_status(response->status, request.name);
  co_return DeviceError(DeviceErrc::bad_answer, request.name + ": " + clean_text(answer.error().detail()));
}

DeviceResult<> check_response(soap::Element const& request, soap::Element const& response) {
  if (response.is(request.ns, request.name + "Response")) return {};
  return DeviceError(DeviceErrc::bad_answer,
                     request.name + ": the device answers another question (" + clean_text(response.name, 60) + ")");
}

net::Awaitable<DeviceResult<soap::Element>> call(Connection& connection, soap::Element request, Pace pace) {
  auto answer = co_await ask(connection, request, pace);
  if (!answer.ok()) co_return std::move(answer).error();
  if (auto const* fault = std::get_if<soap::Fault>(&*answer)) co_return fault_error(*fault, request.name);
  soap::Element response = std::get<soap::Element>(*std::move(answer));
  CO_CHECK_OK(check_response(request, response));
  co_return response;
}

}  // namespace lenscap::agent
