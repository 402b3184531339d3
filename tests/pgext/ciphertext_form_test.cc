// The extension's own parser of a ciphertext's form, and of labels. It is held against crypto's, which the service
// uses.
#include "pgext/ciphertext_form.h"

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "crypto/bytes.h"
#include "crypto/field_header.h"
#include "pgext/field_label.h"
#include "pgext/hex_text.h"

namespace coffer::pgext {
namespace {

using Bytes8 = std::vector<std::uint8_t>;

// Fails where the two parsers differ.
void ExpectAgreement(const Bytes8& value) {
  std::vector<std::byte> same(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) same[i] = std::byte{value[i]};
  const auto form = ParseForm(value, value.size());
  ASSERT_EQ(form.has_value(), IsFieldCiphertext(same)) << "size " << value.size();
  if (!form) return;
  const auto header = FieldHeader::Parse(same);
  ASSERT_TRUE(header);
  EXPECT_EQ(form->key_id, header->key_id.value);
  EXPECT_EQ(form->suite, header->second_byte & 0x0F);
}

Bytes8 Value(std::uint8_t second_byte, std::uint64_t key_id, std::size_t size) {
  Bytes8 value(size, 0xAB);
  if (size > 0) value[0] = 0xC1;
  if (size > 1) value[1] = second_byte;
  for (std::size_t i = 0; i < 8 && i + 2 < size; ++i) value[i + 2] = static_cast<std::uint8_t>(key_id >> (56 - 8 * i));
  return value;
}

TEST(CiphertextForm, AgreesWithCryptoForEverySecondByteAndSizeAroundTheLeast) {
  for (unsigned second_byte = 0; second_byte < 256; ++second_byte) {
    for (std::size_t size = 0; size < 90; ++size) {
      ExpectAgreement(Value(static_cast<std::uint8_t>(second_byte), 7, size));
    }
  }
}

TEST(CiphertextForm, AgreesWithCryptoForEveryFirstByteAndKeyIdsAtTheBorders) {
  for (unsigned first = 0; first < 256; ++first) {
    Bytes8 value = Value(0xC2, 7, 100);
    value[0] = static_cast<std::uint8_t>(first);
    ExpectAgreement(value);
  }
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t key_id : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1}) {
      ExpectAgreement(Value(0x04, key_id, 26));
    }
  }
}

TEST(CiphertextForm, AgreesWithCryptoOverTheVectors) {
  std::size_t accepted = 0;
  for (const char* name : {"field_ciphertext.json", "field_ciphertext_siv.json"}) {
    std::ifstream file(std::string("tests/vectors/") + name);
    const auto vectors = nlohmann::json::parse(file);
    for (const char* kind : {"positive", "negative"}) {
      for (const auto& vector : vectors.at(kind)) {
        if (!vector.contains("ciphertext")) continue;
        const auto bytes = FromHex(vector.at("ciphertext").get<std::string>());
        ASSERT_TRUE(bytes.ok());
        Bytes8 value;
        for (const std::byte byte : *bytes) value.push_back(std::to_integer<std::uint8_t>(byte));
        ExpectAgreement(value);
        accepted += ParseForm(value, value.size()).has_value() && std::string_view(kind) == "positive";
      }
    }
  }
  EXPECT_GT(accepted, 150U);
}

TEST(CiphertextForm, AHeadSaysTheSameAsTheWhole) {
  for (const std::size_t size : {26U, 49U, 50U, 81U, 82U, 83U, 500U}) {
    for (const int second_byte : {0x01, 0x81, 0x42, 0xC2, 0x04, 0x44, 0x52}) {
      const Bytes8 value = Value(static_cast<std::uint8_t>(second_byte), 7, size);
      const auto whole = ParseForm(value, value.size());
      const auto head = ParseForm(std::span(value).first(kHeaderSize), value.size());
      EXPECT_EQ(whole.has_value(), head.has_value());
    }
  }
}

TEST(CiphertextForm, AHeadThatIsShorterThanAHeaderIsNone) {
  const Bytes8 value = Value(0xC2, 7, 100);
  for (std::size_t size = 0; size < kHeaderSize; ++size) {
    EXPECT_FALSE(ParseForm(std::span(value).first(size), value.size()));
  }
}

TEST(HexText, DecodesEitherCase) {
  const std::string text = "\\xC1c204";
  ASSERT_EQ(HexTextSize(text), 3U);
  Bytes8 out(3);
  EXPECT_TRUE(DecodeHexText(text, out));
  EXPECT_EQ(out, (Bytes8{0xC1, 0xC2, 0x04}));
  EXPECT_EQ(HexTextSize("\\x"), 0U);
}

TEST(HexText, RefusesAnotherPrefixAnOddCountAndOtherDigits) {
  for (const char* text : {"", "\\", "x", "c1", "\\Xc1", "\\xc", "\\xc1c", " \\xc1", "\\301"})
    EXPECT_FALSE(HexTextSize(text)) << text;
  for (const char* text : {"\\xg1", "\\x1g", "\\x 1", "\\x1 ", "\\x\\x", "\\x-1", "\\x0x"}) {
    Bytes8 out(1);
    ASSERT_EQ(HexTextSize(text), 1U);
    EXPECT_FALSE(DecodeHexText(text, out)) << text;
  }
}

TEST(FieldLabel, TakesThreeNames) {
  EXPECT_TRUE(IsFieldLabel("field=shop.connection.password"));
  EXPECT_TRUE(IsFieldLabel("field=_.a0.z_9"));
  EXPECT_TRUE(IsFieldLabel("field=" + std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c')));
}

TEST(FieldLabel, RefusesAllElse) {
  for (const std::string& label :
       {std::string(), std::string("field="), std::string("field"), std::string("shop.connection.password"),
        std::string("field=a.b"), std::string("field=a.b.c.d"), std::string("field=..c"), std::string("field=a.b."),
        std::string("field=.b.c"), std::string("field=a..c"), std::string("Field=a.b.c"), std::string("field=A.b.c"),
        std::string("field=a.b.1c"), std::string("field=a.b.c "), std::string("field= a.b.c"),
        std::string("field=a.b.c\0", 12), std::string("field=a.b.\xC3\xA4"), std::string("field=a-b.c.d"),
        "field=a.b." + std::string(64, 'c')}) {
    EXPECT_FALSE(IsFieldLabel(label)) << label;
  }
}

}  // namespace
}  // namespace coffer::pgext
