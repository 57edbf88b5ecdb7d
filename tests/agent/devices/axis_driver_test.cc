#include "agent/devices/shared/axis_driver.h"

#include <gtest/gtest.h>

#include "tests/agent/devices/served_data.h"

namespace lenscap::agent {
namespace {

KeySpec spec() {
  KeySpec wanted;
  wanted.id = "lenscap-00000001";
  wanted.names = names_of({"cam.example.test"}, {"192.0.2.7"});
  wanted.common_name = "cam.example.test";
  return wanted;
}

TEST(CheckCsr, OnlyWhatWasOrdered) {
  struct Case {
    std::string_view name;
    std::string csr;
    std::string_view key_type;
    bool csr_san;
    std::string_view refusal;
  };
  Case const cases[] = {
      {"all names", "san", "EC-P256", true, ""},
      {"any key type", "san", "", true, ""},
      {"common name alone, allowed", "cn", "", false, ""},
      {"common name alone, not enough", "cn", "", true, "names only cam.example.test"},
      {"all names where one is enough", "san", "", false, ""},
      {"foreign alternative name", "foreign_name", "", true, "foreign name, evil.example.test"},
      {"foreign common name", "foreign_cn", "", true, "foreign common name"},
      {"other key type", "san", "RSA-2048", true, "type EC-P256 instead of RSA-2048"},
  };
  for (Case const& c : cases) {
    auto const checked = check_csr(served_csr(c.csr), spec(), c.key_type, c.csr_san, std::nullopt);
    EXPECT_EQ(checked.ok(), c.refusal.empty()) << c.name;
    if (checked.ok() || c.refusal.empty()) continue;
    EXPECT_EQ(checked.error().code, DeviceErrc::bad_csr) << c.name;
    EXPECT_NE(checked.error().text.find(c.refusal), std::string::npos) << c.name << ": " << checked.error().text;
  }
}

TEST(CheckCsr, TheKeyMustBeTheOneThatWasMade) {
  auto const csr = served_csr("san");
  EXPECT_TRUE(check_csr(csr, spec(), "", true, served_certificate("camera").key()).ok());
  EXPECT_FALSE(check_csr(csr, spec(), "", true, served_certificate("issuer").key()).ok());
}

TEST(CheckCsr, AnAddressAsCommonName) {
  KeySpec wanted;
  wanted.names = names_of({}, {"192.0.2.7"});
  EXPECT_EQ(usable_common_name(wanted), "192.0.2.7");
  EXPECT_TRUE(check_csr(served_csr("address_cn"), wanted, "", false, std::nullopt).ok());
}

TEST(UsableCommonName, LeavesOutWhatIsTooLong) {
  std::string const label(60, 'a');
  KeySpec wanted;
  wanted.common_name = label + ".example.test";
  wanted.names = names_of({wanted.common_name, "short.example.test"}, {"192.0.2.7"});
  EXPECT_EQ(usable_common_name(wanted), "short.example.test");
  wanted.names = names_of({wanted.common_name}, {"192.0.2.7"});
  EXPECT_EQ(usable_common_name(wanted), "192.0.2.7");
  wanted.names = names_of({wanted.common_name}, {});
  EXPECT_EQ(usable_common_name(wanted), "");
}

TEST(CheckChain, TheLeafMustBeForTheKeyOfTheRequest) {
  auto const leaf = served_certificate("camera");
  EXPECT_TRUE(check_chain({leaf, served_certificate("issuer")}, served_csr("san").key).ok());
  EXPECT_EQ(check_chain({served_certificate("foreign")}, served_csr("san").key).error().code, DeviceErrc::key_mismatch);
  EXPECT_EQ(check_chain({}, served_csr("san").key).error().code, DeviceErrc::bad_certificate);
}

TEST(CaId, IsOursAndAlwaysTheSame) {
  auto const issuer = served_certificate("issuer");
  EXPECT_TRUE(is_our_id(ca_id_of(issuer)));
  EXPECT_EQ(ca_id_of(issuer), ca_id_of(issuer));
  EXPECT_NE(ca_id_of(issuer), ca_id_of(served_certificate("root")));
}

// A service whose certificates are not told may use any of them; one that does not exist uses none.
TEST(ReasonToKeep, UnlessThereIsNothingToTell) {
  soap::Fault fault;
  fault.subcode = "ActionNotSupported";
  EXPECT_FALSE(reason_to_keep(fault, "ListCertSets"));
  for (bool const sender : {false, true}) {
    for (std::string const subcode : {"", "InvalidArgVal", "Action", "NotAuthorized"}) {
      fault.sender = sender;
      fault.subcode = subcode;
      fault.reason = "not now";
      auto const reason = reason_to_keep(fault, "GetCertSet EAPTLS_WIRED");
      ASSERT_TRUE(reason) << subcode;
      EXPECT_EQ(reason->code, DeviceErrc::partial_cleanup);
      EXPECT_EQ(reason->retry, Retry::later);
      EXPECT_NE(reason->text.find("GetCertSet EAPTLS_WIRED"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace lenscap::agent
