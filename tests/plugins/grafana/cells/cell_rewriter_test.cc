#include "plugins/grafana/cells/cell_rewriter.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "plugins/grafana/cells/json_strings.h"
#include "plugins/grafana/database/cell_secrets.h"
#include "tests/plugins/grafana/database/grafana_rows.h"

namespace coffer::grafana {
namespace {

using enum CellEncoding;

std::string Blob(const std::string& text) { return GrafanaRows(std::string("key")).Legacy(text); }
std::string Base64(const std::string& bytes) { return GrafanaRows::Base64(bytes); }

// Turns a blob around, but for its mark: another one of its size.
Bytes Other(ByteView blob) {
  Bytes other = CopyOf(blob);
  std::reverse(other.begin() + 13, other.end());
  return other;
}
std::string Other(const std::string& blob) { return std::string(AsText(Other(AsBytes(blob)))); }

// The cell with all its blobs turned around; "(same)" when there are none.
std::string Rewritten(CellEncoding encoding, const std::string& cell) {
  const auto after = RewriteCell(encoding, AsBytes(cell), [](ByteView blob, std::string_view) { return Other(blob); });
  EXPECT_TRUE(after.ok());
  if (!after.ok() || !*after) return "(same)";
  return std::string(AsText(**after));
}

TEST(CellRewriterTest, Base64KeepsItsPaddingAndItsSpaces) {
  // Of every size of the last group.
  for (const std::string text : {"", "a", "ab", "abc"}) {
    const std::string blob = Blob(text);
    EXPECT_EQ(Rewritten(kBase64, Base64(blob)), Base64(Other(blob)));
    EXPECT_EQ(Rewritten(kBase64Raw, GrafanaRows::Raw(blob)), GrafanaRows::Raw(Other(blob)));
    EXPECT_EQ(Rewritten(kBase64Raw, Base64(blob)), Base64(Other(blob))) << "as it is, not as it should be";
    EXPECT_EQ(Rewritten(kBase64, " \n" + Base64(blob) + "\r\n"), " \n" + Base64(Other(blob)) + "\r\n");
  }
}

// Padding is that of the old text, and of the column where the old text needed none.
TEST(CellRewriterTest, ABlobMayGetAnotherSize) {
  const auto with = [](CellEncoding encoding, const std::string& cell, const std::string& after) {
    const auto rewritten = RewriteCell(encoding, AsBytes(cell), [&after](ByteView, std::string_view) {
      return std::optional(CopyOf(AsBytes(after)));
    });
    return rewritten.ok() && *rewritten ? std::string(AsText(**rewritten)) : "(same)";
  };
  const auto object = [](const std::string& key, const std::string& text) {
    return "{\"" + key + "\": \"" + text + "\" }";
  };
  for (const std::string old_text : {"", "a", "ab"}) {
    for (const std::string new_text : {"", "ab", "a much longer one", "a much longer one."}) {
      const std::string before = Blob(old_text);
      const std::string after = Blob(new_text);
      const std::string padded = Base64(after);
      const std::string raw = GrafanaRows::Raw(after);
      EXPECT_EQ(with(kBase64, Base64(before), after), padded);
      EXPECT_EQ(with(kBase64Raw, GrafanaRows::Raw(before), after), raw);
      EXPECT_EQ(with(kBlob, before, after), after);
      EXPECT_EQ(with(kJsonMap, object("p", Base64(before)), after), object("p", padded));
      EXPECT_EQ(with(kSsoJson, object("secret", GrafanaRows::Raw(before)), after), object("secret", raw));
      EXPECT_EQ(with(kResourceJson, object("encryptedToken", Base64(before)), after), object("encryptedToken", padded));
      const bool tells = before.size() % 3 != 0;
      EXPECT_EQ(with(kBase64Raw, Base64(before), after), tells ? padded : raw);
      EXPECT_EQ(with(kBase64, GrafanaRows::Raw(before), after), tells ? raw : padded);
    }
  }
}

TEST(CellRewriterTest, BytesStayBytesAndBase64InThemStaysBase64) {
  const std::string blob = Blob("snapshot");
  EXPECT_EQ(Rewritten(kBlob, blob), Other(blob));
  EXPECT_EQ(Rewritten(kBlob, Base64(blob)), Base64(Other(blob)));
}

TEST(CellRewriterTest, WhatIsNoBlobStays) {
  for (const CellEncoding encoding : {kBase64, kBase64Raw, kBlob, kJsonMap, kAlertingJson, kSsoJson, kResourceJson}) {
    for (const std::string cell : {"", "plain", "{}", "{\"password\":\"plain\"}", "{broken", "***", "null", "[1,2"}) {
      EXPECT_EQ(Rewritten(encoding, cell), "(same)") << cell;
    }
  }
  EXPECT_EQ(Rewritten(kText, Base64(Blob("x"))), "(same)");
  EXPECT_EQ(Rewritten(kPlaintext, Base64(Blob("x"))), "(same)");
}

TEST(CellRewriterTest, OfAJsonMapOnlyTheBlobsChange) {
  const std::string a = Blob("one");
  const std::string b = Blob("another one");
  const auto cell = [](const std::string& first, const std::string& second) {
    return "\xEF\xBB\xBF{ \"z\\u0022\\\\\" :\t\"" + first +
           "\",\n\"n\":null, \"a\":\"plain \\\" {}\",\"f\":1.50e+3,"
           "\"i\":12345678901234567890123,\"\":\"\",\"b\":\"" +
           second + "\" , \"\\u00e9\" : \"\\uD83D\\uDE00\" } ";
  };
  EXPECT_EQ(Rewritten(kJsonMap, cell(Base64(a), Base64(b))), cell(Base64(Other(a)), Base64(Other(b))));
}

TEST(CellRewriterTest, EscapesInABlobsBase64AreUnderstood) {
  const std::string a = Blob("something with a / in its base64, of which one needs a few to be sure");
  std::string escaped = Base64(a);
  for (std::size_t at = 0; (at = escaped.find_first_of("/+", at)) != std::string::npos; at += 2) {
    escaped.replace(at, 1, escaped[at] == '/' ? "\\/" : "\\u002b");
  }
  EXPECT_EQ(Rewritten(kJsonMap, "{\"p\":\"" + escaped + "\"}"), "{\"p\":\"" + Base64(Other(a)) + "\"}");
  EXPECT_EQ(Rewritten(kJsonMap, "{\"p\":\"\\n" + Base64(a) + "\\t\"}"), "{\"p\":\"\\n" + Base64(Other(a)) + "\\t\"}");
}

TEST(CellRewriterTest, AlertingSecretsAreThoseUnderSecureSettingsAndExtraConfigurations) {
  const std::string a = Blob("https://hooks.example");
  const auto cell = [](const std::string& url, const std::string& extra, const std::string& elsewhere) {
    return R"({"receivers":[{"secureSettings":{"url":")" + url + R"("},"settings":{"x":")" + elsewhere +
           R"("}}],"extra_config":[{"alertmanager_config":"crypto_)" + extra + "\"}]}";
  };
  EXPECT_EQ(Rewritten(kAlertingJson, cell(Base64(a), Base64(a), Base64(a))),
            cell(Base64(Other(a)), Base64(Other(a)), Base64(a)));
  const std::string plain = R"({"extra_config":[{"alertmanager_config":")" + Base64(a) + "\"}]}";
  EXPECT_EQ(Rewritten(kAlertingJson, plain), "(same)") << "Grafana takes it for plaintext";
}

TEST(CellRewriterTest, SsoAndResourceSecretsAreThoseOfTheirKeys) {
  const std::string a = Blob("secret");
  const std::string raw = GrafanaRows::Raw(a);
  const std::string other = GrafanaRows::Raw(Other(a));
  EXPECT_EQ(Rewritten(kSsoJson, "{\"name\":\"" + raw + "\",\"clientSecret\":\"" + raw + "\"}"),
            "{\"name\":\"" + raw + "\",\"clientSecret\":\"" + other + "\"}");
  EXPECT_EQ(Rewritten(kResourceJson, "{\"spec\":{\"encryptedToken\":\"" + raw + "\",\"token\":\"" + raw + "\"}}"),
            "{\"spec\":{\"encryptedToken\":\"" + other + "\",\"token\":\"" + raw + "\"}}");
}

TEST(CellRewriterTest, WhatTheCallerLeavesStays) {
  const std::string a = Blob("one");
  const std::string b = Blob("two");
  const std::string cell = "{\"a\":\"" + Base64(a) + "\",\"b\":\"" + Base64(b) + "\"}";
  const auto after = RewriteCell(kJsonMap, AsBytes(cell), [](ByteView blob, std::string_view path) {
    return path == "b" ? std::optional(Other(blob)) : std::nullopt;
  });
  ASSERT_TRUE(after.ok() && *after);
  EXPECT_EQ(AsText(**after), "{\"a\":\"" + Base64(a) + "\",\"b\":\"" + Base64(Other(b)) + "\"}");
}

TEST(CellRewriterTest, AKeyTwiceIsRefusedWhereSomethingWouldChange) {
  const std::string blob = Base64(Blob("one"));
  for (const std::string& cell :
       {"{\"a\":1,\"b\":\"" + blob + "\",\"a\":2}", "{\"x\":{\"a\":1,\"\\u0061\":2},\"b\":\"" + blob + "\"}"}) {
    const auto after = RewriteCell(kJsonMap, AsBytes(cell), [](ByteView b, std::string_view) { return Other(b); });
    ASSERT_FALSE(after.ok());
    EXPECT_EQ(after.error().code(), ErrorCode::kInvalidArgument);
    const auto left = RewriteCell(kJsonMap, AsBytes(cell), [](ByteView, std::string_view) { return std::nullopt; });
    EXPECT_TRUE(left.ok() && !*left);
  }
  EXPECT_EQ(Rewritten(kJsonMap, "{\"x\":{\"a\":1},\"a\":\"" + blob + "\"}").substr(0, 12), "{\"x\":{\"a\":1}");
}

TEST(JsonStringsTest, ValuesAreInTheOrderOfTheLeaves) {
  const std::string json = R"( {"k" : "v1", "\"":["v2","",{"x":"v3\\"},"a:b"] ,"last":"\u0022\":"} )";
  std::vector<std::string> leaves;
  ASSERT_TRUE(ForEachJsonLeaf(json, [&leaves](const JsonLeaf& leaf) { leaves.emplace_back(leaf.text); }).ok());
  const std::vector<JsonString> values = JsonStringValues(json);
  ASSERT_EQ(values.size(), leaves.size());
  std::vector<std::string> texts;
  for (const JsonString& value : values) texts.push_back(json.substr(value.offset, value.size));
  EXPECT_EQ(texts, (std::vector<std::string>{"v1", "v2", "", R"(v3\\)", "a:b", R"(\u0022\":)"}));
  EXPECT_TRUE(JsonStringValues("").empty());
  EXPECT_EQ(JsonStringValues("\"x\"").size(), 1U);
}

TEST(JsonStringsTest, TextsThatAreCutShortEndTheSearch) {
  for (const std::string json : {"\"", "{\"a\":\"b", "\"\\", "{\"a\"", "\"a\\\"", "[\"\\u00"}) {
    for (const JsonString& value : JsonStringValues(json)) {
      EXPECT_LE(value.offset, json.size() + 1);
    }
  }
}

TEST(JsonStringsTest, OnlyKeysOfOneObjectAreDuplicates) {
  EXPECT_TRUE(HasDuplicateKeys(R"({"a":1,"a":1})"));
  EXPECT_TRUE(HasDuplicateKeys(R"([{"b":{"":1,"":2}}])"));
  EXPECT_FALSE(HasDuplicateKeys(R"([{"a":1},{"a":1},{"b":{"a":1},"a":"a"}])"));
  EXPECT_FALSE(HasDuplicateKeys("no JSON"));
}

}  // namespace
}  // namespace coffer::grafana
