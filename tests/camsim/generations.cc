#include "tests/camsim/generations.h"

#include <array>

#include "base/error.h"

namespace lenscap::camsim {
namespace {

constexpr std::string_view kOldCiphers = "DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:AES128-SHA:AES256-SHA";
constexpr std::string_view kOldAccepted =
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";
constexpr std::string_view kNewCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// Public clients send these two with the six above, and cameras take them.
constexpr std::string_view kNewAccepted = "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384";

constexpr std::array<Generation, 7> kGenerations{{
    {"G0", "ACCC8E2CDAE9", "P8221", "AXIS P8221", "AXIS P8221 Network I/O Audio Module", "Network I/O Audio Module",
     "5.10.3", "Jun 04 2013 10:12", "crisv32", "", "172", "AES256-SHA:AES128-SHA:DES-CBC3-SHA", ""},
    {"G1", "ACCC8E022A4D", "Q6114-E", "AXIS Q6114-E", "AXIS Q6114-E PTZ Dome Network Camera", "PTZ Dome Network Camera",
     "6.50.1.2", "Oct 20 2017 13:40", "mips", "Axis Artpec-5", "715", kOldCiphers, kOldAccepted},
    {"G2", "ACCC8E73A0B1", "M3047-P", "AXIS M3047-P", "AXIS M3047-P Network Camera", "Network Camera", "7.30.1",
     "Nov 21 2017 09:05", "armv7hf", "Axis Artpec-6", "769", kOldCiphers, kOldAccepted},
    {"G3", "ACCC8EF7DE6B", "C Bullet LE", "AXIS Companion Bullet LE", "AXIS Companion Bullet LE Network Camera",
     "Network Camera", "9.80.2.2", "Jul 09 2020 08:35", "mips", "Axis Artpec-5", "805", kOldCiphers, kOldAccepted},
    {"G4", "B8A44F10C2D3", "P8815-2", "AXIS P8815-2", "AXIS P8815-2 3D People Counter", "3D People Counter",
     "10.12.228", "Feb 23 2024 22:15", "armv7hf", "Axis Artpec-6", "7C5", kNewCiphers, kNewAccepted},
    {"G6", "B8A44F2E61F4", "P1468-LE", "AXIS P1468-LE", "AXIS P1468-LE Bullet Camera", "Bullet Camera", "11.11.135",
     "Jan 15 2025 07:51", "aarch64", "Axis Artpec-8", "92F", kNewCiphers, kNewAccepted},
    {"G7", "B8A44F631339", "P3265-V", "AXIS P3265-V", "AXIS P3265-V Dome Camera", "Dome Camera", "12.11.77",
     "Jun 02 2026 11:23", "aarch64", "Axis Artpec-8", "8F4", kNewCiphers, kNewAccepted},
}};

// The table of switches that differ between generations, in the columns of kGenerations.
struct Row {
  std::string_view name;
  std::array<std::string_view, 7> values;
};
constexpr std::string_view kOneStore = "SOFTWARE0:SOFTWARE:RSA-2048";
constexpr std::string_view kTpmStore =
    "TPM0:STRONG:RSA-2048+EC-P256+EC-P384,TEE0:TRUSTED_ENVIRONMENT:RSA-2048+RSA-4096+EC-P256+EC-P384+EC-P521";
constexpr std::string_view kTeeStore =
    "TEE0:TRUSTED_ENVIRONMENT:RSA-2048+RSA-4096+EC-P256+EC-P384+EC-P521,"
    "SE0:STRONG:RSA-1024+RSA-2048+RSA-4096+EC-P256+EC-P384+EC-P521";

// clang-format off
constexpr Row kRows[] = {
    //                      G0 5.10         G1 6.50        G2 7.30        G3 9.80        G4 10.12       G6 11.11       G7 12.11
    {"soap",               {"off",          "on",          "on",          "on",          "on",          "on",          "on"}},
    {"policies",           {"none",         "all",         "admin",       "admin",       "admin",       "admin",       "admin"}},
    {"rest",               {"off",          "off",         "off",         "off",         "off",         "both",        "both"}},
    {"rest_version",       {"",             "",            "",            "",            "",            "1.0.0",       "1.1.2"}},
    {"discover",           {"off",          "off",         "off",         "off",         "off",         "released",    "released"}},
    {"basicdeviceinfo",    {"",             "",            "",            "1.1",         "1.3",         "1.3",         "1.3"}},
    {"apidiscovery",       {"off",          "off",         "off",         "login",       "login",       "anonymous",   "anonymous"}},
    {"systemready",        {"",             "",            "",            "1.1",         "1.2",         "1.4",         "1.5"}},
    {"time_api",           {"",             "",            "",            "1.0",         "1.0",         "1.0",         "1.0"}},
    {"ntp_api",            {"",             "",            "",            "1.2",         "1.4",         "1.5",         "1.6"}},
    {"network_settings",   {"",             "",            "",            "1.6",         "1.20",        "1.31",        "1.37"}},
    {"server_header",      {"Boa/0.94.14rc21", "Apache/2.4.25 (Unix) OpenSSL/1.0.2k", "Apache/2.4.27 (Unix) OpenSSL/1.0.2k",
                            "Apache/2.4.43 (Unix) OpenSSL/1.1.1g", "Apache/2.4.58 (Unix) OpenSSL/1.1.1w",
                            "Apache/2.4.62 (Unix) OpenSSL/3.0.15", "Apache/2.4.63 (Unix) OpenSSL/3.0.16"}},
    {"https_factory",      {"off",          "off",         "on",          "on",          "on",          "on",          "on"}},
    {"factory_certificate",{"none",         "none",        "self_signed", "self_signed", "self_signed", "self_signed", "device_id"}},
    {"auth_policy",        {"basic_digest", "recommended", "recommended", "recommended", "recommended", "recommended", "recommended"}},
    {"digest_qop",         {"off",          "off",         "off",         "off",         "on",          "on",          "on"}},
    {"nonce_form",         {"boa",          "boa",         "boa",         "boa",         "apache",      "apache",      "apache"}},
    {"first_stale",        {"off",          "off",         "off",         "off",         "off",         "off",         "on"}},
    {"throttle",           {"off",          "off",         "off",         "off",         "off",         "on",          "on"}},
    {"keystores",          {kOneStore,      kOneStore,     kOneStore,     kOneStore,     kOneStore,     kTpmStore,     kTeeStore}},
    {"default_keystore",   {"SOFTWARE0",    "SOFTWARE0",   "SOFTWARE0",   "SOFTWARE0",   "SOFTWARE0",   "TPM0",        "SE0"}},
    {"soap_key_type",      {"RSA-2048",     "RSA-2048",    "RSA-2048",    "RSA-2048",    "RSA-2048",    "EC-P256",     "EC-P256"}},
    {"keygen_ec_ms",       {"100",          "100",         "100",         "100",         "100",         "600",         "600"}},
    {"keygen_rsa2048_ms",  {"4000",         "4000",        "4000",        "4000",        "4000",        "6000",        "6000"}},
    {"device_ids",         {"",             "",            "",            "",            "EC-P256,RSA-2048", "EC-P256,RSA-2048", "EC-P256,RSA-2048,RSA-4096"}},
    {"pkcs12_chain_kept",  {"off",          "off",         "off",         "off",         "on",          "on",          "on"}},
    {"first_user",         {"root",         "root",        "root",        "root",        "root",        "any",         "any"}},
    {"tls_min",            {"1.0",          "1.0",         "1.0",         "1.0",         "1.2",         "1.2",         "1.2"}},
    {"tls_max",            {"1.0",          "1.2",         "1.2",         "1.2",         "1.2",         "1.3",         "1.3"}},
    {"chain_served",       {"leaf",         "leaf",        "leaf",        "leaf",        "full",        "full",        "full"}},
};
// clang-format on

// API ids of 9.80; the lists of other firmware are parts of it with newer versions.
constexpr ApiRow kApis[] = {
    {"privacy-mask", "Privacy Masking", "1.0"},
    {"recording-storage-limit", "Edge Recording storage limit", "1.0"},
    {"mdnssd", "mDNS-SD", "1.0"},
    {"api-discovery", "API Discovery Service", "1.0"},
    {"io-port-management", "IO Port Management", "1.0"},
    {"stream-profiles", "Stream Profiles", "1.0"},
    {"dynamicoverlay", "Dynamic Overlay", "1.0"},
    {"disk-management", "Edge storage Disk management", "1.0"},
    {"oak", "OAK", "1.0"},
    {"mqtt-client", "MQTT Client API", "1.0"},
    {"ntp", "NTP", ""},
    {"upnp", "UPnP", "1.1"},
    {"network-settings", "Network Settings", ""},
    {"systemready", "Systemready", ""},
    {"time-service", "Time API", ""},
    {"disk-properties", "Edge storage Disk properties", "1.1"},
    {"custom-firmware-certificate", "Custom Firmware Certificate", "1.0"},
    {"recording", "Edge Recording", "1.0"},
    {"basic-device-info", "Basic Device Information", ""},
    {"user-management", "User Management", "1.1"},
    {"onscreencontrols", "On-Screen Controls", "1.4"},
    {"shuttergain-cgi", "Shuttergain CGI", "2.0"},
    {"packagemanager", "Package Manager", "1.4"},
    {"overlayimage", "Overlay image API", "1.0"},
    {"ptz-control", "PTZ Control", "1.0"},
    {"capture-mode", "Capture Mode", "1.0"},
    {"light-control", "Light Control", "1.1"},
    {"disk-network-share", "Edge storage Network share", "1.0"},
    {"recording-export", "Export edge recording", "1.1"},
    {"guard-tour", "Guard Tour", "1.0"},
    {"param-cgi", "Legacy Parameter Handling", "1.0"},
    {"customhttpheader", "Custom HTTP header", "1.0"},
    {"fwmgr", "Firmware Management", "1.4"},
};

constexpr std::string_view kOldParameters[] = {
    "Brand.Brand=AXIS",
    "Brand.ProdFullName=",
    "Brand.ProdShortName=",
    "Brand.ProdNbr=",
    "Brand.ProdType=",
    "Brand.WebURL=http://www.axis.com/",
    "HTTPS.Ciphers=",
    "HTTPS.Enabled=",
    "HTTPS.Port=",
    "Network.BootProto=dhcp",
    "Network.HostName=",
    "Network.Bonjour.Enabled=yes",
    "Network.Bonjour.FriendlyName={SHORT} - {SERIAL}",
    "Network.DNSUpdate.Enabled=no",
    "Network.DNSUpdate.DNSName=",
    "Network.DNSUpdate.TTL=30",
    "Network.eth0.MACAddress={MAC}",
    "Network.eth0.IPAddress={ADDRESS}",
    "Network.FTP.Enabled=yes",
    "Network.HTTP.AuthenticationPolicy=",
    "Network.HTTP.AuthenticationPolicySet=yes",
    "Network.HTTP.AuthenticationWithQop=",
    "Network.Interface.I0.dot1x.Enabled=no",
    "Network.Interface.I0.dot1x.EAPOLVersion=1",
    "Network.Interface.I0.dot1x.Status=Stopped",
    "Network.Interface.I0.dot1x.EAPTLS.Identity=",
    "Network.Interface.I0.dot1x.EAPTLS.PrivateKeyPassword=*****",
    "Network.Resolver.ObtainFromDHCP=yes",
    "Network.UPnP.Enabled=yes",
    "Network.UPnP.FriendlyName={SHORT} - {SERIAL}",
    "Network.VolatileHostName.ObtainFromDHCP=no",
    "Network.VolatileHostName.HostName=",
    "Properties.API.HTTP.Version=3",
    "Properties.API.WebService.WebService=yes",
    "Properties.API.WebService.ONVIF.ONVIF=yes",
    "Properties.Firmware.BuildDate=",
    "Properties.Firmware.BuildNumber=6",
    "Properties.Firmware.Version=",
    "Properties.HTTPS.HTTPS=yes",
    "Properties.System.Language=English",
    "Properties.System.HardwareID=",
    "Properties.System.SerialNumber=",
    "Properties.System.Architecture=",
    "System.BoaPort=",
    "System.RootPwdSet=",
    "System.BoaGroupPolicy.admin=",
    "System.BoaGroupPolicy.operator=",
    "System.BoaGroupPolicy.viewer=",
    "Time.ObtainFromDHCP=yes",
    "Time.POSIXTimeZone=GMT0BST,M3.5.0/1,M10.5.0",
    "Time.SyncSource=NTP",
    "Time.NTP.Server=0.0.0.0",
    "WebService.UsernameToken.ReplayAttackProtection=yes",
};

constexpr std::string_view kParameters[] = {
    "Brand.Brand=AXIS",
    "Brand.ProdFullName=",
    "Brand.ProdNbr=",
    "Brand.ProdShortName=",
    "Brand.ProdType=",
    "Brand.ProdVariant=",
    "Brand.WebURL=http://www.axis.com",
    "HTTPS.AllowTLS1=yes",
    "HTTPS.AllowTLS11=yes",
    "HTTPS.Ciphers=",
    "HTTPS.Enabled=",
    "HTTPS.Port=",
    "Network.BootProto=dhcp",
    "Network.HostName=",
    "Network.Bonjour.Enabled=no",
    "Network.Bonjour.FriendlyName={SHORT} - {SERIAL}",
    "Network.DNSUpdate.DNSName=",
    "Network.DNSUpdate.Enabled=no",
    "Network.DNSUpdate.TTL=30",
    "Network.eth0.IPAddress={ADDRESS}",
    "Network.eth0.MACAddress={MAC}",
    "Network.HTTP.AuthenticationPolicy=",
    "Network.HTTP.AuthenticationPolicySet=yes",
    "Network.HTTP.AuthenticationWithQop=",
    "Network.Interface.I0.dot1x.EAPOLVersion=1",
    "Network.Interface.I0.dot1x.Enabled=no",
    "Network.Interface.I0.dot1x.Status=Stopped",
    "Network.Interface.I0.dot1x.EAPTLS.Identity=",
    "Network.Interface.I0.dot1x.EAPTLS.PrivateKeyPassword=*****",
    "Network.Resolver.ObtainFromDHCP=yes",
    "Network.RTSPS.CertificateId=",
    "Network.RTSPS.Enabled=no",
    "Network.RTSPS.Port=322",
    "Network.UPnP.Enabled=no",
    "Network.UPnP.FriendlyName={SHORT} - {SERIAL}",
    "Network.VolatileHostName.HostName=",
    "Network.VolatileHostName.ObtainFromDHCP=no",
    "Properties.API.HTTP.AdminPath=/index.html",
    "Properties.API.HTTP.Version=3",
    "Properties.API.WebService.EntryService=yes",
    "Properties.API.WebService.WebService=no",
    "Properties.Firmware.BuildDate=",
    "Properties.Firmware.BuildNumber=36",
    "Properties.Firmware.Version=",
    "Properties.HTTPS.HTTPS=yes",
    "Properties.System.Architecture=",
    "Properties.System.HardwareID=",
    "Properties.System.Language=",
    "Properties.System.SerialNumber=",
    "Properties.System.Soc=",
    "System.BoaPort=",
    "System.RootPwdSet=",
    "System.BoaGroupPolicy.admin=",
    "System.BoaGroupPolicy.operator=",
    "System.BoaGroupPolicy.viewer=",
    "System.PreventDoSAttack.ActivatePasswordThrottling=",
    "System.PreventDoSAttack.DoSBlockingPeriod=10",
    "System.PreventDoSAttack.DoSPageCount=20",
    "System.PreventDoSAttack.DoSPageInterval=1",
    "Time.ObtainFromDHCP=yes",
    "Time.POSIXTimeZone=CET-1CEST,M3.5.0,M10.5.0/3",
    "Time.SyncSource=NTP",
    "Time.NTP.Server=0.0.0.0",
    "WebService.UsernameToken.ReplayAttackProtection=yes",
};

}  // namespace

std::span<Generation const> generations() { return kGenerations; }

Generation const* find_generation(std::string_view id) {
  for (Generation const& generation : kGenerations)
    if (generation.id == id) return &generation;
  return nullptr;
}

Switches switches_of(Generation const& generation) {
  auto const column = static_cast<std::size_t>(&generation - kGenerations.data());
  Switches switches;
  for (Row const& row : kRows)
    if (auto const done = set_switch(switches, row.name, row.values[column]); !done.ok())
      bug(done.error().detail().c_str());
  return switches;
}

std::vector<ApiRow> api_list(Generation const&, Switches const& switches) {
  std::vector<ApiRow> rows;
  for (ApiRow row : kApis) {
    if (row.id == "ntp") row.version = switches.ntp_api;
    if (row.id == "network-settings") row.version = switches.network_settings;
    if (row.id == "systemready") row.version = switches.systemready;
    if (row.id == "time-service") row.version = switches.time_api;
    if (row.id == "basic-device-info") row.version = switches.basicdeviceinfo;
    if (!row.version.empty()) rows.push_back(row);
  }
  return rows;
}

std::span<std::string_view const> parameters(Generation const& generation) {
  if (generation.id == "G0") return kOldParameters;
  return kParameters;
}

}  // namespace lenscap::camsim
