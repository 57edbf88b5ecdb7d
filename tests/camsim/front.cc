#include "tests/camsim/front.h"

#include "tests/camsim/auth.h"
#include "tests/camsim/cgi.h"
#include "tests/camsim/onvif.h"
#include "tests/camsim/rest.h"
#include "tests/camsim/soap.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {

Response not_found_page(std::string_view path) {
  return html(404, "<HTML><HEAD><TITLE>404 Not Found</TITLE></HEAD>\n<BODY><H1>404 Not Found</H1>\nThe requested URL " +
                       xml_escape(path) + " was not found on this server.\n</BODY></HTML>\n");
}

namespace {

constexpr std::size_t kHugeBytes = 64UL * 1024 * 1024;  // F7

struct Route {
  std::string_view path;
  Role role;
  bool (*anonymous)(Exchange const&);
  Operation operation;
};

bool nobody(Exchange const&) { return false; }
bool anybody(Exchange const&) { return true; }
bool unrestricted_info(Exchange const& x) {
  std::string const& version = x.device->state.switches.basicdeviceinfo;
  bool const open = x.entry.operation == "basicdeviceinfo.getAllUnrestrictedProperties" ||
                    x.entry.operation == "basicdeviceinfo.getSupportedVersions";
  return open && version >= "1.2";
}
bool api_list_is_open(Exchange const& x) { return x.device->state.switches.apidiscovery == "anonymous"; }
bool setting_up(Exchange const& x) { return x.device->state.needs_setup(); }

constexpr Route kRoutes[] = {
    {"/axis-cgi/basicdeviceinfo.cgi", Role::viewer, unrestricted_info, basicdeviceinfo},
    {"/axis-cgi/apidiscovery.cgi", Role::viewer, api_list_is_open, apidiscovery},
    {"/axis-cgi/systemready.cgi", Role::none, anybody, systemready},
    {"/axis-cgi/time.cgi", Role::viewer, nobody, time_cgi},
    {"/axis-cgi/ntp.cgi", Role::viewer, nobody, ntp_cgi},
    {"/axis-cgi/network_settings.cgi", Role::viewer, nobody, network_settings},
    {"/axis-cgi/param.cgi", Role::viewer, nobody, param_cgi},
    {"/axis-cgi/pwdgrp.cgi", Role::admin, setting_up, pwdgrp_cgi},
    {"/axis-cgi/restart.cgi", Role::admin, nobody, restart_cgi},
    {"/axis-cgi/factorydefault.cgi", Role::admin, nobody, factorydefault_cgi},
    {"/axis-cgi/hardfactorydefault.cgi", Role::admin, nobody, hardfactorydefault_cgi},
    {"/onvif/device_service", Role::viewer, onvif_is_open, serve_onvif},
};

Outcome soap_or_nothing(Exchange& x) {
  if (!x.device->state.switches.soap) return not_found_page(x.request.path);
  return serve_soap(x);
}
Outcome nothing(Exchange& x) {
  return x.request.path.starts_with("/config/rest/") && x.device->state.switches.rest != "off"
             ? rest_not_found(x.request.path)
             : not_found_page(x.request.path);
}

Route route_of(Request const& request) {
  for (Route const& route : kRoutes)
    if (route.path == request.path) return route;
  if (request.path == "/vapix/services") return {request.path, Role::admin, nobody, soap_or_nothing};
  if (request.path.starts_with("/config/"))
    return {request.path, rest_writes(request) ? Role::admin : Role::viewer, nobody, serve_rest};
  return {request.path, Role::none, nobody, nothing};
}

// The name by which journal and faults know what is asked for.
std::string operation_of(Exchange const& x) {
  Request const& request = x.request;
  if (x.soap && x.soap->operation) return x.soap->name.substr(x.soap->name.find(':') + 1);
  if (request.path.starts_with("/config/")) return rest_operation(request);
  constexpr std::string_view kCgi = "/axis-cgi/";
  if (request.path.starts_with(kCgi) && request.path.ends_with(".cgi")) {
    std::string name = request.path.substr(kCgi.size(), request.path.size() - kCgi.size() - 4);
    std::string method = json_method(request.body);
    if (method.empty()) method = form_field(request, "action").value_or("");
    return method.empty() ? name : name + "." + method;
  }
  return request.method + " " + request.path;
}

// A private key came over the network, whether or not the request is let in.
bool brings_private_key(Exchange const& x) {
  if (x.request.body.empty()) return false;
  std::string const& name = x.entry.operation;
  return name == "LoadCertificateWithPrivateKey" || name == "LoadPkcs12" || name == "POST certificates" ||
         name == "POST install_from_pkcs12" || x.request.body.find("PRIVATE KEY-----") != std::string::npos;
}

std::string const& policy_of(Policies const& policies, Role role) {
  if (role == Role::admin) return policies.admin;
  return role == Role::operator_ ? policies.operator_ : policies.viewer;
}

bool may_use(TlsConfiguration const& tls, Role role, bool https) {
  if (!tls.enabled) return !https;
  return policy_of(tls.policies, role) != (https ? "Http" : "Https");
}

Response refuse_listener(Exchange const& x) {
  if (x.request.tls || x.device->state.switches.http_under_https == "403")
    return html(403, "<HTML><HEAD><TITLE>403 Forbidden</TITLE></HEAD>\n<BODY><H1>403 Forbidden</H1></BODY></HTML>\n");
  std::string host = x.request.header("Host");
  host = host.empty() ? x.device->address() : host.substr(0, host.rfind(':'));
  Response response = html(301, "");
  response.headers.push_back(
      {"Location", "https://" + host + ":" + std::to_string(x.device->https_port()) + x.request.target});
  return response;
}

bool any_role_may(TlsConfiguration const& tls, bool https) {
  return may_use(tls, Role::admin, https) || may_use(tls, Role::operator_, https) || may_use(tls, Role::viewer, https);
}

// --- faults of the wire ----------------------------------------------------------------------------------------------

// Faults that answer in the place of the device. `operation` empty: those for every request, before login.
std::optional<Response> strike_instead(Exchange& x, std::string const& operation) {
  auto const strikes = [&](std::string_view id) {
    auto fault = x.device->faults.strike_exact(id, operation, x.device->world().random);
    if (fault) x.entry.fault = id;
    return fault;
  };
  if (strikes("F2")) return Response{.wire = Wire::silent};
  if (auto const fault = strikes("F5")) return html(fault->status, "<HTML><BODY>Error</BODY></HTML>\n");
  if (auto const fault = strikes("F6"))
    return html(200, fault->body.empty() ? "<html><body><p>Please wait &nbsp; {\"x\":</body>" : fault->body);
  bool const soap = x.soap != nullptr;
  std::string const type = soap ? "application/soap+xml; charset=utf-8" : "application/json";
  if (strikes("F7")) return Response{.content_type = type, .body = std::string(kHugeBytes, ' ')};
  if (strikes("F8"))
    return Response{.content_type = "application/soap+xml; charset=utf-8",
                    .body =
                        "<?xml version=\"1.0\"?>\n<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
                        "\"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]>\n"
                        "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\">"
                        "<SOAP-ENV:Body>&c;</SOAP-ENV:Body></SOAP-ENV:Envelope>"};
  return std::nullopt;
}

// Faults that spoil an answer on its way, when the work is done. `operation` empty: those for every request.
void strike_answer(Exchange& x, std::string const& operation, Response& response) {
  auto const strikes = [&](std::string_view id) {
    auto fault = x.device->faults.strike_exact(id, operation, x.device->world().random);
    if (fault) x.entry.fault = id;
    return fault;
  };
  if (response.wire != Wire::plain) return;
  if (auto const fault = strikes("F3")) {
    response.wire = Wire::reset_after;
    response.wire_bytes = fault->bytes;
  } else if (auto const drip = strikes("F4")) {
    response.wire = Wire::drip;
    response.wire_interval_ms = drip->interval_ms;
  } else if (strikes("F28")) {
    response.wire = Wire::lost;
  }
}

// F1 for an operation: once it is done, the listeners shut and stay so until the faults are set anew.
void strike_listeners(Exchange& x, Response& response) {
  auto fault = x.device->faults.strike_exact("F1", x.entry.operation, x.device->world().random);
  if (!fault) return;
  x.entry.fault = "F1";
  fault->operation.clear();
  fault->count = -1;
  response.after = [device = x.device, shut = *fault, then = response.after] {
    if (then) then();
    std::vector<Fault> faults = device->faults.list();
    faults.push_back(shut);
    device->faults.set(std::move(faults));
    device->reopen();
  };
}

// F33: the device reboots in the middle; the work is done ("after") or not ("before"), the answer is lost.
bool strike_reboot(Exchange& x, std::string_view when, Response& response) {
  for (Fault const& fault : x.device->faults.list())
    if (fault.id == "F33" && fault.operation == x.entry.operation && fault.when == when) {
      if (!x.device->faults.strike_exact("F33", x.entry.operation, x.device->world().random)) return false;
      x.entry.fault = "F33";
      response.wire = Wire::lost;
      response.after = [device = x.device] { device->reboot(); };
      return true;
    }
  return false;
}

// --- the way through -------------------------------------------------------------------------------------------------

using Shared = std::shared_ptr<Exchange>;

void finish(Shared const& x, Response response, Reply const& reply) {
  Device& device = *x->device;
  strike_answer(*x, "", response);
  response.headers.insert(response.headers.begin(),
                          {{"Date", http_date(device.now())}, {"Server", device.state.switches.server_header}});
  x->entry.user = x->user;
  x->entry.status = response.wire == Wire::silent || response.wire == Wire::lost ? 0 : response.status;
  for (Header const& header : response.headers)
    if (header.name == "WWW-Authenticate")
      x->entry.auth_offered = lower(header.value.substr(0, header.value.find(' ')));
  device.journal.add(std::move(x->entry));
  reply(std::move(response));
}

void go_on(Shared const& x, Outcome outcome, Reply const& reply) {
  if (outcome.when_made) {
    x->device->make_key(outcome.key_type, [x, then = std::move(outcome.when_made), reply](KeyRef key) {
      go_on(x, then(std::move(key)), reply);
    });
    return;
  }
  if (outcome.when_due) {
    x->device->world().loop.after(outcome.delay,
                                  [x, then = std::move(outcome.when_due), reply] { go_on(x, then(), reply); });
    return;
  }
  strike_answer(*x, x->entry.operation, outcome.response);
  strike_listeners(*x, outcome.response);
  strike_reboot(*x, "after", outcome.response);
  finish(x, std::move(outcome.response), reply);
}

// A 401, later when a password was wrong: real cameras take their time for it.
void refuse_login(Shared const& x, Login const& login, Reply const& reply) {
  bool const counts = login.tried && !login.stale;
  if (counts) note_failure(*x->device, x->request);
  Response response = challenge(*x->device, x->request, login.stale);
  if (!counts) return finish(x, std::move(response), reply);
  auto const delay = x->device->world().scaled(x->device->state.switches.wrong_password_ms);
  if (delay.count() == 0) return finish(x, std::move(response), reply);
  x->device->world().loop.after(delay, [x, response = std::move(response), reply] { finish(x, response, reply); });
}

Response blocked(Exchange& x) {
  std::string const& answer = x.device->state.switches.throttle_answer;
  if (answer == "drop") return {.wire = Wire::lost};
  return answer == "403" ? html(403, "") : challenge(*x.device, x.request, false);
}

// Every check before the operation, in the order of a camera; true when the request may go on.
bool admit(Shared const& x, Route const& route, Reply const& reply) {
  Device& device = *x->device;
  TlsConfiguration const& tls = device.state.tls;
  if (!x->request.tls && !any_role_may(tls, false)) return finish(x, refuse_listener(*x), reply), false;
  if (is_blocked(device, x->request)) return finish(x, blocked(*x), reply), false;
  if (!route.anonymous(*x)) {
    Login const login = check_login(device, x->request);
    x->entry.auth_used = login.scheme;
    x->entry.auth_qop = login.qop;
    if (!login.ok) return refuse_login(x, login, reply), false;
    x->user = login.user;
    x->role = login.role;
    if (!x->request.tls && !may_use(tls, login.role, false)) return finish(x, refuse_listener(*x), reply), false;
    if (login.role < route.role) {
      int const status = device.state.switches.low_role_status;
      Response refusal =
          x->request.path.starts_with("/config/") ? rest_error(status, 4, "Forbidden") : html(status, "");
      return finish(x, std::move(refusal), reply), false;
    }
  }
  if (x->request.refuse != 0) {
    Response refusal = html(x->request.refuse, "");
    refusal.close = true;
    return finish(x, std::move(refusal), reply), false;
  }
  return true;
}

}  // namespace

void serve_device(std::shared_ptr<Device> device, Request request, Reply reply) {
  auto const x = std::make_shared<Exchange>();
  x->device = std::move(device);
  x->request = std::move(request);
  Request const& r = x->request;
  bool const is_soap = r.path == "/vapix/services" || r.path == "/onvif/device_service";
  if (is_soap && !r.body.empty()) x->soap = parse_soap(r.body);
  x->entry.time = x->device->now();
  x->entry.https = r.tls;
  x->entry.tls_version = r.tls_version;
  x->entry.sni = r.sni;
  x->entry.method = r.method;
  x->entry.target = redact_target(r);
  x->entry.body = redact_body(r.body);
  x->entry.operation = operation_of(*x);
  x->entry.basic_over_http = !r.tls && lower(r.header("Authorization")).starts_with("basic ");
  x->entry.password_in_url = has_password(r);
  x->entry.private_key_received = brings_private_key(*x);
  Journal& journal = x->device->journal;
  if (x->entry.basic_over_http) journal.raise(&JournalFlags::basic_over_http);
  if (x->entry.password_in_url) journal.raise(&JournalFlags::password_in_url);
  if (x->entry.private_key_received) journal.raise(&JournalFlags::private_key_received);

  if (auto instead = strike_instead(*x, "")) return finish(x, std::move(*instead), reply);
  Route const route = route_of(x->request);
  if (!admit(x, route, reply)) return;
  Response rebooting;
  if (strike_reboot(*x, "before", rebooting)) return finish(x, std::move(rebooting), reply);
  if (auto instead = strike_instead(*x, x->entry.operation)) return finish(x, std::move(*instead), reply);
  go_on(x, route.operation(*x), reply);
}

}  // namespace lenscap::camsim
