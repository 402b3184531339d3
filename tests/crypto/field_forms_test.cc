// Every form that a field can be declared with, against every other.
#include <set>

#include <gtest/gtest.h>

#include "tests/crypto/field_fixture.h"

namespace coffer {
namespace {

std::vector<FieldSetup> AllForms() {
  std::vector<FieldSetup> setups;
  for (Suite suite : kSuites) {
    for (std::uint8_t pad : kPadMultiples) {
      for (bool row_bound : {false, true}) {
        for (bool context_bound : {false, true}) {
          FieldSetup setup;
          setup.form = {suite, pad, row_bound, context_bound};
          setups.push_back(setup);
        }
      }
    }
  }
  return setups;
}

TEST(FieldFormsTest, ValueDecryptsUnderItsOwnFormOnly) {
  const auto setups = AllForms();
  for (const FieldSetup& writer : setups) {
    const Bytes ciphertext = writer.Encrypt(Bytes(7, std::byte{0x70}));
    for (const FieldSetup& reader : setups) {
      const auto result = reader.Decrypt(ciphertext);
      if (reader.form == writer.form) {
        EXPECT_TRUE(result.ok());
        continue;
      }
      // The multiple is not in the header. Where 7 bytes pad to the same length, the two multiples are one form for
      // this value.
      const bool differs_in_multiple_only = reader.form.SecondByte() == writer.form.SecondByte() &&
                                            reader.form.CiphertextSize(7) == writer.form.CiphertextSize(7);
      if (differs_in_multiple_only) {
        EXPECT_EQ(result->size(), 7U);
      } else if (result.ok()) {
        ADD_FAILURE() << "second byte " << int{writer.form.SecondByte()} << ", multiples "
                      << int{writer.form.pad_multiple} << " and " << int{reader.form.pad_multiple};
      } else {
        EXPECT_EQ(AnswerOf(result), OneError());
      }
    }
  }
}

TEST(FieldFormsTest, SecondByteTellsAllButTheMultiple) {
  std::set<unsigned> seconds;
  for (const FieldSetup& setup : AllForms()) seconds.insert(setup.form.SecondByte());
  EXPECT_EQ(seconds.size(), 16U);
}

TEST(FieldFormsTest, RewrittenSecondByteNeverHelps) {
  for (const FieldSetup& setup : AllForms()) {
    Bytes ciphertext = setup.Encrypt(AsBytes("password"));
    for (unsigned second = 0; second < 256; ++second) {
      if (second == setup.form.SecondByte()) continue;
      ciphertext[1] = static_cast<std::byte>(second);
      ASSERT_EQ(AnswerOf(setup.Decrypt(ciphertext)), OneError()) << second;
    }
  }
}

TEST(FieldFormsTest, EveryFormRefusesNoiseOfEveryLength) {
  for (const FieldSetup& setup : AllForms()) {
    for (std::size_t size = 0; size < 120; ++size) {
      Bytes noise(size, std::byte{0xC1});
      ASSERT_EQ(AnswerOf(setup.Decrypt(noise)), OneError()) << size;
      if (size < kFieldHeaderSize) continue;
      FieldHeader{setup.form.SecondByte(), setup.id}.Write(MutableBytes(noise).first(kFieldHeaderSize));
      ASSERT_EQ(AnswerOf(setup.Decrypt(noise)), OneError()) << size << ", with its header";
    }
  }
}

}  // namespace
}  // namespace coffer
