#include "agent/devices/shared/soap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lenscap::agent::soap {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(ParseXml, ResolvesNamespacesWhateverThePrefix) {
  auto const root = parse_xml(
      "<?xml version=\"1.0\"?><!-- a comment --><x:a xmlns:x='urn:1' xmlns='urn:2'><b> t </b>"
      "<x:c xmlns:x='urn:3'><x:d/></x:c><e xmlns=''/><x:f/></x:a>");
  ASSERT_TRUE(root.ok()) << root.error().detail();
  EXPECT_TRUE(root->is("urn:1", "a"));
  ASSERT_EQ(root->children.size(), 4u);
  ASSERT_NE(root->child("urn:2", "b"), nullptr);
  EXPECT_EQ(root->child("urn:2", "b")->text, "t");
  ASSERT_NE(root->child("urn:3", "c"), nullptr);
  EXPECT_NE(root->child("urn:3", "c")->child("urn:3", "d"), nullptr);
  EXPECT_NE(root->child("", "e"), nullptr);
  EXPECT_NE(root->child("urn:1", "f"), nullptr);
}

TEST(ParseXml, JoinsTextCdataAndReferences) {
  auto const root = parse_xml("<a>1 &lt; <![CDATA[<2>]]> &#x41;&#66;</a>");
  ASSERT_TRUE(root.ok()) << root.error().detail();
  EXPECT_EQ(root->text, "1 < <2> AB");
}

std::string many_declarations() {
  std::string all = "<a><b";
  for (int i = 0; i < 600; ++i) all += " xmlns:p" + std::to_string(i) + "='u'";
  return all + "/></a>";
}

TEST(ParseXml, RefusesWhatADeviceMustNotSend) {
  struct Case {
    std::string_view name;
    std::string text;
  };
  Case const cases[] = {
      {"empty", ""},
      {"html", "<!DOCTYPE html><html><body>404</body></html>"},
      {"doctype", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"},
      {"doctype after a comment", "<!-- --><!DOCTYPE a><a/>"},
      {"billion laughs", "<!DOCTYPE l [<!ENTITY a \"l\"><!ENTITY b \"&a;&a;&a;\">]><l>&b;</l>"},
      {"unfinished", "<a><b></a>"},
      {"two roots", "<a/><b/>"},
      {"text alone", "hello"},
      {"undeclared prefix", "<x:a/>"},
      {"empty prefix", "<:a/>"},
      {"local name that begins with a digit", "<x:9a xmlns:x='u'/>"},
      {"two colons", "<x:y:a xmlns:x='u'/>"},
      {"escape character", "<a>\x1b</a>"},
      {"escape character by reference", "<a>&#27;</a>"},
      {"surrogate by reference", "<a>&#xD800;</a>"},
      {"latin-1", "<a>\xe9</a>"},
      {"UTF-16", std::string("\xff\xfe<\0a\0/\0>\0", 10)},
      {"NUL", std::string("<a>\0</a>", 8)},
      {"33 deep", repeat("<a>", 33) + repeat("</a>", 33)},
      {"very deep", repeat("<a>", 100'000)},
      {"too many elements", "<a>" + repeat("<b/>", 20'000) + "</a>"},
      {"too big", "<a>" + std::string(limits::kDeviceAnswerBytes, 'x') + "</a>"},
      {"too many declarations", many_declarations()},
  };
  for (Case const& c : cases) {
    auto const root = parse_xml(c.text);
    ASSERT_FALSE(root.ok()) << c.name;
    EXPECT_EQ(root.error().code(), Errc::malformed) << c.name;
  }
  EXPECT_TRUE(parse_xml(repeat("<a>", 32) + repeat("</a>", 32)).ok());
}

TEST(WriteXml, EscapesAndComesBackTheSame) {
  Element root(ns::kDevice, "DeleteCertificates");
  root.add(Element(ns::kSchema, "CertificateID", "]]></tt:X><evil a=\"b\" c='d'>&amp;\r\n"));
  root.add(Element("urn:other", "Unknown")).add(Element("", "None", "x"));
  auto const again = parse_xml(write_xml(root));
  ASSERT_TRUE(again.ok()) << again.error().detail();
  root.children[0].text = "]]></tt:X><evil a=\"b\" c='d'>&amp;";  // the ends are trimmed
  EXPECT_EQ(*again, root);
}

TEST(Envelope, UsesThePrefixesOfAxis) {
  std::string const text = envelope(Element(ns::kWebServer, "GetWebServerTlsConfiguration"));
  EXPECT_THAT(text, testing::HasSubstr("<SOAP-ENV:Envelope "));
  EXPECT_THAT(text, testing::HasSubstr("<SOAP-ENV:Body><aweb:GetWebServerTlsConfiguration/></SOAP-ENV:Body>"));
  EXPECT_THAT(text, testing::HasSubstr("xmlns:aweb=\"http://www.axis.com/vapix/ws/webserver\""));
}

constexpr std::string_view kFaultHead =
    "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\""
    " xmlns:ter=\"http://www.onvif.org/ver10/error\""
    " xmlns:acertificates=\"http://www.axis.com/vapix/ws/certificates\"><SOAP-ENV:Body><SOAP-ENV:Fault>";
constexpr std::string_view kFaultTail = "</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>";

TEST(ParseAnswer, ReadsAFault) {
  std::string const text = std::string(kFaultHead) +
                           "<SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Receiver</SOAP-ENV:Value><SOAP-ENV:Subcode>"
                           "<SOAP-ENV:Value>ter:ActionNotSupported</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code>"
                           "<SOAP-ENV:Reason><SOAP-ENV:Text xml:lang=\"en\">Optional action not implemented"
                           "</SOAP-ENV:Text></SOAP-ENV:Reason><SOAP-ENV:Detail><SOAP-ENV:Text>The requested action"
                           " is optional</SOAP-ENV:Text></SOAP-ENV:Detail>" +
                           std::string(kFaultTail);
  auto const answer = parse_answer(text);
  ASSERT_TRUE(answer.ok()) << answer.error().detail();
  auto const* fault = std::get_if<Fault>(&*answer);
  ASSERT_NE(fault, nullptr);
  EXPECT_FALSE(fault->sender);
  EXPECT_EQ(fault->subcode, "ActionNotSupported");
  EXPECT_EQ(fault->reason, "Optional action not implemented");
  EXPECT_EQ(fault->text(), "Optional action not implemented (ActionNotSupported): The requested action is optional");
}

TEST(ParseAnswer, FindsADeclaredFaultInTheDetail) {
  std::string const text = std::string(kFaultHead) +
                           "<SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value></SOAP-ENV:Code>"
                           "<SOAP-ENV:Detail><acertificates:CertificateIdInUseFault/></SOAP-ENV:Detail>" +
                           std::string(kFaultTail);
  auto const answer = parse_answer(text);
  ASSERT_TRUE(answer.ok()) << answer.error().detail();
  auto const* fault = std::get_if<Fault>(&*answer);
  ASSERT_NE(fault, nullptr);
  EXPECT_TRUE(fault->sender);
  EXPECT_TRUE(fault->names("CertificateIdInUseFault"));
  EXPECT_FALSE(fault->names("MaxNumberOfCertificatesFault"));
}

TEST(ParseAnswer, GivesTheOneElementOfTheBody) {
  auto const answer = parse_answer(envelope(Element(ns::kDevice, "GetCertificatesResponse")));
  ASSERT_TRUE(answer.ok()) << answer.error().detail();
  ASSERT_TRUE(std::holds_alternative<Element>(*answer));
  EXPECT_TRUE(std::get<Element>(*answer).is(ns::kDevice, "GetCertificatesResponse"));
}

TEST(ParseAnswer, RefusesOtherXml) {
  EXPECT_FALSE(parse_answer("<html/>").ok());
  EXPECT_FALSE(parse_answer("<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'/>").ok());
  EXPECT_FALSE(parse_answer("<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body><a/><b/></e:Body>"
                            "</e:Envelope>")
                   .ok());
}

}  // namespace
}  // namespace lenscap::agent::soap
