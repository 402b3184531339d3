#include "db/mask.h"

#include <cctype>
#include <cstdlib>
#include <set>

#include <gtest/gtest.h>

#include "crypto/field_header.h"

namespace coffer::db {
namespace {

TEST(MaskerTest, EqualValuesHaveEqualMasksAndOthersOtherOnes) {
  const Masker masker;
  const std::string mask = masker.Text("Erika Mustermann 7", 0);
  EXPECT_EQ(mask, masker.Text("Erika Mustermann 7", 0));
  EXPECT_NE(mask, masker.Text("Erika Mustermann 8", 0));
  EXPECT_NE(mask, "Erika Mustermann 7");
}

TEST(MaskerTest, AnotherDumpHasOtherMasks) {
  EXPECT_NE(Masker().Text("a rather long text", 0), Masker().Text("a rather long text", 0));
  EXPECT_NE(Masker().Number("1234567890123456", 9'223'372'036'854'775'807),
            Masker().Number("1234567890123456", 9'223'372'036'854'775'807));
  EXPECT_NE(Masker().Opaque("x", 0), Masker().Opaque("x", 0));
}

TEST(MaskerTest, TextKeepsItsForm) {
  const Masker masker;
  const std::string mask = masker.Text("+49 (171) Ab-9", 0);
  ASSERT_EQ(mask.size(), 14U);
  for (const std::size_t at : {0U, 3U, 4U, 8U, 9U, 12U}) EXPECT_EQ(mask[at], "+49 (171) Ab-9"[at]);
  for (const std::size_t at : {1U, 2U, 5U, 6U, 7U, 13U})
    EXPECT_TRUE(std::isdigit(static_cast<unsigned char>(mask[at])));
  EXPECT_TRUE(std::isupper(static_cast<unsigned char>(mask[10])));
  EXPECT_TRUE(std::islower(static_cast<unsigned char>(mask[11])));
}

TEST(MaskerTest, ShortTextsAndNumbersNeverMeet) {
  const Masker masker;
  std::set<std::string> texts;
  std::set<std::string> numbers;
  for (int i = 0; i < 10'000; ++i) {
    std::string digits = std::to_string(10'000 + i).substr(1);
    texts.insert(masker.Text(digits, 0));
    numbers.insert(masker.Number(std::to_string(i), 32'767));
  }
  EXPECT_EQ(texts.size(), 10'000U);
  EXPECT_EQ(numbers.size(), 10'000U);
}

TEST(MaskerTest, NumbersKeepDigitsSignAndLimit) {
  const Masker masker;
  for (int i = 10'000; i <= 32'767; i += 7) {
    const std::string mask = masker.Number(std::to_string(-i), 32'767);
    ASSERT_EQ(mask.size(), 6U);
    const long value = std::strtol(mask.c_str(), nullptr, 10);
    EXPECT_LE(value, -10'000);
    EXPECT_GE(value, -32'767);
  }
  for (const char* text : {"NaN", "Infinity", "-Infinity", ""}) EXPECT_EQ(masker.Number(text, 32'767), text);
  EXPECT_EQ(masker.Number("12 erika", 32'767).find("erika"), std::string::npos);
  const std::string decimal = masker.Number("-123.4567e-05", 32'767);
  EXPECT_EQ(decimal.substr(0, 1), "-");
  EXPECT_EQ(decimal.substr(4, 1), ".");
  EXPECT_EQ(decimal.substr(9), "e-05");
}

TEST(MaskerTest, NumbersBeyondTheLimitAreMaskedAllTheSame) {
  const Masker masker;
  constexpr std::uint64_t kMost8 = 9'223'372'036'854'775'807;
  for (const std::string text :
       {"9999999999999999999", "-9923456789012345678", "0007777777", "123456789012345678901"}) {
    const std::string mask = masker.Number(text, kMost8);
    EXPECT_NE(mask, text);
    EXPECT_EQ(mask.size(), text.size());
  }
}

TEST(MaskerTest, ATextThatBeginsAsADateDoesNotShowTheRest) {
  const Masker masker;
  for (const char* begin : {"2024-05-06 ", "2024-05-06T", "2024-05-06 07:08:09 ", "2024-05-06 07:08:09+02 ",
                            "2024-05-06 07:08:09.5", "2024-05-06+02:"}) {
    const std::string text = std::string(begin) + "erika has cancer";
    const std::string mask = masker.Text(text, 0);
    EXPECT_EQ(mask.size(), text.size());
    EXPECT_EQ(mask.find("erika"), mask.npos) << begin;
    EXPECT_EQ(mask.find("cancer"), mask.npos) << begin;
  }
  EXPECT_EQ(masker.Date("2024-05-06 erika"), "infinity");
}

TEST(MaskerTest, DatesKeepYearAndZoneAndStayDates) {
  const Masker masker;
  for (int day = 10; day < 30; ++day) {
    const std::string mask = masker.Date("2024-02-" + std::to_string(day) + " 23:59:60.123+02");
    ASSERT_EQ(mask.size(), 26U);
    EXPECT_EQ(mask.substr(0, 5), "2024-");
    EXPECT_LE(mask.substr(5, 2), "12");
    EXPECT_LE(mask.substr(8, 2), "28");
    EXPECT_LE(mask.substr(11, 2), "23");
    EXPECT_EQ(mask.substr(23), "+02");
  }
  for (const char* text : {"infinity", "-infinity"}) EXPECT_EQ(masker.Date(text), text);
  for (const char* text : {"", "24-1-1", "a secret"}) EXPECT_EQ(masker.Date(text), "infinity");
  EXPECT_EQ(masker.Date("12345-06-07").substr(0, 6), "12345-");
  EXPECT_EQ(masker.Date("1999-12-31 BC").substr(10), " BC");
}

TEST(MaskerTest, AddressesAreNobodysAndFitTheirColumn) {
  const Masker masker;
  EXPECT_TRUE(masker.Text("someone@example.org", 0).ends_with("@masked.invalid"));
  EXPECT_EQ(masker.Text("someone@example.org", 20).size(), 19U);
  EXPECT_EQ(masker.Text("someone@example.org", 20)[7], '@');
}

TEST(MaskerTest, UuidsStayUuids) {
  const Masker masker;
  const std::string mask = masker.Text("0F59C6C7-58C1-48AA-AECC-BEE13850F419", 0);
  EXPECT_EQ(mask.size(), 36U);
  EXPECT_EQ(mask[14], '4');
  EXPECT_EQ(mask, masker.Uuid("0f59c6c7-58c1-48aa-aecc-bee13850f419"));
}

TEST(MaskerTest, OtherCharactersThanAsciiBecomeLetters) {
  const std::string mask = Masker().Text("J\xc3\xbcrgen \xe6\x9d\x8e \xff", 0);
  EXPECT_EQ(mask.size(), 10U);
  for (const char c : mask) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
}

TEST(MaskerTest, OpaqueShowsNoLength) {
  const Masker masker;
  EXPECT_EQ(masker.Opaque("x", 0).size(), masker.Opaque(std::string(999, 'x'), 0).size());
  EXPECT_EQ(masker.Opaque("x", 5).size(), 5U);
  EXPECT_EQ(masker.Bytes(AsBytes(std::string_view("abc"))).size(), 3U);
}

TEST(PlaceholderCiphertextTest, HasTheFormAndDiffers) {
  EXPECT_TRUE(IsFieldCiphertext(AsBytes(PlaceholderCiphertext(1))));
  EXPECT_NE(PlaceholderCiphertext(1), PlaceholderCiphertext(2));
}

}  // namespace
}  // namespace coffer::db
