#include "crypto/note_key.h"

#include <gtest/gtest.h>

#include "tests/crypto/note_vectors.h"

namespace coffer {
namespace {

constexpr std::string_view kText = "example.com/log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

NoteSigner LogSigner() { return NoteSigner::Create("example.com/log", KeyFrom(0)).value(); }
NoteCosigner Witness() { return NoteCosigner::Create("witness.example/w1", KeyFrom(32)).value(); }

SignedNote NoteOf(std::vector<NoteSignature> signatures) { return {std::string(kText), std::move(signatures)}; }

TEST(NoteVerifierTest, KnownKeysParseAndGiveTheSameTextAgain) {
  std::vector<std::string_view> vkeys = {
      kPublicLogKey, "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
      "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"};  // base64 with a plus
  for (const KnownNote& known : kKnownNotes) vkeys.push_back(known.vkey);
  vkeys.insert(vkeys.end(), std::begin(kPublicWitnessKeys), std::end(kPublicWitnessKeys));
  for (const std::string_view vkey : vkeys) {
    const auto verifier = NoteVerifier::Parse(vkey);
    ASSERT_TRUE(verifier.ok()) << vkey;
    EXPECT_EQ(verifier->ToText(), vkey);
  }
  EXPECT_EQ(VerifierOf(kKnownNotes[0].vkey).key_id().value, 0x530d903aU);
  EXPECT_EQ(VerifierOf(kKnownNotes[0].vkey).name(), "example.com/foo");
  EXPECT_EQ(VerifierOf(kPublicWitnessKeys[2]).type(), NoteKeyType::kCosignature);
}

TEST(NoteVerifierTest, EveryChangedOrMissingCharacterIsRefused) {
  const std::string vkey(kKnownNotes[0].vkey);
  for (std::size_t i = 0; i < vkey.size(); ++i) {
    std::string changed = vkey;
    ++changed[i];
    EXPECT_FALSE(NoteVerifier::Parse(changed).ok()) << changed;
    EXPECT_FALSE(NoteVerifier::Parse(vkey.substr(0, i)).ok()) << i;
    EXPECT_FALSE(NoteVerifier::Parse(vkey.substr(i + 1)).ok()) << i;
    EXPECT_FALSE(NoteVerifier::Parse(vkey.substr(0, i) + vkey.substr(i + 1)).ok()) << i;
  }
}

TEST(NoteVerifierTest, MalformedKeysAreRefused) {
  const struct {
    const char* name;
    std::string_view vkey;
  } cases[] = {
      {"upper-case key id", "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"},
      {"no key", "example.com/foo+530d903a+"},
      {"two parts", "bananas.sigstore.dev+12344556"},
      {"no name", "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"},
      {"a space in the name", "example.com/ foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"},
      {"a newline behind", "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n"},
      {"not base64", "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!"},
      {"type 3", "rekor.sigstore.dev+12345678+AwEB"},
      {"ECDSA",
       "rekor.sigstore.dev+c0d23d6a+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+"
       "smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Qt9DPfkWLc="},
      {"another name's key id", "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"},
      {"another type's key id", "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"},
      {"a point of low order", "a+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
  };
  for (const auto& c : cases) {
    const auto verifier = NoteVerifier::Parse(c.vkey);
    ASSERT_FALSE(verifier.ok()) << c.name;
    EXPECT_EQ(verifier.error().code(), ErrorCode::kInvalidArgument) << c.name;
  }
}

TEST(NoteVerifierTest, NamesOfOurKeysAreBounded) {
  const Ed25519PrivateKey key = KeyFrom(0);
  EXPECT_TRUE(NoteVerifier::Create(std::string(kMaxKeyName, 'a'), NoteKeyType::kSignature, key.public_key()).ok());
  for (const std::string& name : {std::string(), std::string(kMaxKeyName + 1, 'a'), std::string("a+b")}) {
    EXPECT_FALSE(NoteVerifier::Create(name, NoteKeyType::kSignature, key.public_key()).ok());
    EXPECT_FALSE(NoteSigner::Create(name, KeyFrom(0)).ok());
    EXPECT_FALSE(NoteCosigner::Create(name, KeyFrom(0)).ok());
  }
}

TEST(VerifyNoteTest, KnownNotesVerify) {
  for (const KnownNote& known : kKnownNotes) {
    const NoteVerifier verifier = VerifierOf(known.vkey);
    const auto signers = VerifyNote(SignedNote::Parse(known.note).value(), std::span(&verifier, 1));
    ASSERT_TRUE(signers.ok()) << known.name;
    ASSERT_EQ(signers->size(), 1U);
    EXPECT_EQ(signers->front().time_unix_s, std::nullopt);
  }
}

TEST(VerifyNoteTest, APublicCheckpointVerifiesByItsLogAndAllItsWitnesses) {
  std::vector<NoteVerifier> known = {VerifierOf(kPublicLogKey)};
  for (const std::string_view vkey : kPublicWitnessKeys) known.push_back(VerifierOf(vkey));
  const SignedNote note = SignedNote::Parse(kPublicCheckpoint).value();
  const auto signers = VerifyNote(note, known);
  ASSERT_TRUE(signers.ok());
  ASSERT_EQ(signers->size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ((*signers)[i].verifier, i);
  EXPECT_EQ((*signers)[0].time_unix_s, std::nullopt);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ((*signers)[i].time_unix_s, kPublicCosignatureTime);
}

TEST(NoteSignerTest, SignsAsGoDoes) {
  const auto key = Ed25519PrivateKey::FromSeed(SecretBytes::CopyOf(FromHex(kGoSeed).value()));
  const NoteSigner signer =
      NoteSigner::Create("PeterNeumann", Ed25519PrivateKey::FromSeed(key->Seed()).value()).value();
  EXPECT_EQ(signer.verifier().ToText(), kKnownNotes[1].vkey);
  SignedNote note = SignedNote::Parse(kKnownNotes[1].note).value();
  note.signatures = {signer.Sign(note.text).value()};
  EXPECT_EQ(note.ToText(), kKnownNotes[1].note);
}

TEST(NoteSignerTest, TextsThatNoNoteCanHaveAreNotSigned) {
  const NoteSigner signer = LogSigner();
  const NoteCosigner witness = Witness();
  for (const std::string_view text : {std::string_view(""), std::string_view("no newline"), std::string_view("a\tb\n"),
                                      std::string_view("\xff\n"), std::string_view("a\0b\n", 4)}) {
    EXPECT_EQ(signer.Sign(text).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(witness.Cosign(text, 1).error().code(), ErrorCode::kInvalidArgument);
  }
}

// A log that is called as the header of a cosignature would have its checkpoints taken for a witness's statement, where
// one key were used for both.
TEST(NoteSignerTest, ACosignaturesMessageIsNotSignedAsAText) {
  EXPECT_FALSE(LogSigner().Sign("cosignature/v1\ntime 1\nexample.com/log\n").ok());
  EXPECT_TRUE(LogSigner().Sign("cosignature/v1 \n").ok());
}

TEST(NoteCosignerTest, CosignaturesVerifyWithTheirTime) {
  const NoteCosigner witness = Witness();
  for (const std::uint64_t time : {std::uint64_t{0}, std::uint64_t{1790000000}, kMaxCosignatureTime}) {
    const SignedNote note = NoteOf({witness.Cosign(kText, time).value()});
    const auto signers = VerifyNote(note, std::span(&witness.verifier(), 1));
    ASSERT_TRUE(signers.ok());
    EXPECT_EQ(signers->front().time_unix_s, time);
  }
  EXPECT_EQ(witness.Cosign(kText, kMaxCosignatureTime + 1).error().code(), ErrorCode::kInvalidArgument);
}

TEST(NoteCosignerTest, EveryChangedBitIsRefused) {
  const NoteCosigner witness = Witness();
  const NoteSignature signature = witness.Cosign(kText, 1790000000).value();
  ASSERT_TRUE(witness.verifier().Verifies(kText, signature));
  for (std::size_t bit = 0; bit < signature.bytes.size() * 8; ++bit) {
    NoteSignature changed = signature;
    changed.bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(witness.verifier().Verifies(kText, changed)) << bit;
  }
  for (std::size_t i = 0; i < kText.size(); ++i) {
    std::string changed(kText);
    changed[i] ^= 1;
    EXPECT_FALSE(witness.verifier().Verifies(changed, signature)) << i;
  }
}

TEST(NoteCosignerTest, ATimeAboveTheLimitIsRefusedEvenWhenItIsSigned) {
  const std::uint64_t late = kMaxCosignatureTime + 1;
  const std::string message = "cosignature/v1\ntime " + std::to_string(late) + "\n" + std::string(kText);
  const NoteCosigner witness = Witness();
  NoteSignature signature = witness.Cosign(kText, 0).value();
  signature.bytes = Bytes(8);
  signature.bytes[0] = std::byte{0x80};
  Append(signature.bytes, KeyFrom(32).Sign(AsBytes(message)));
  EXPECT_FALSE(witness.verifier().Verifies(kText, signature));
}

TEST(VerifyNoteTest, SignaturesOfOtherSizesAreFalse) {
  const NoteSigner signer = LogSigner();
  const NoteCosigner witness = Witness();
  for (const std::size_t size : {1U, 8U, 63U, 65U, 71U, 73U}) {
    EXPECT_FALSE(signer.verifier().Verifies(kText, {"example.com/log", signer.verifier().key_id(), Bytes(size)}));
    EXPECT_FALSE(witness.verifier().Verifies(kText, {"witness.example/w1", witness.verifier().key_id(), Bytes(size)}));
  }
}

// The same key in the other role: the key id differs, and the message does.
TEST(VerifyNoteTest, ASignatureIsNoCosignature) {
  const NoteSigner signer = NoteSigner::Create("both", KeyFrom(0)).value();
  const NoteCosigner cosigner = NoteCosigner::Create("both", KeyFrom(0)).value();
  EXPECT_FALSE(signer.verifier().key_id() == cosigner.verifier().key_id());
  const SignedNote note = NoteOf({signer.Sign(kText).value()});
  EXPECT_FALSE(VerifyNote(note, std::span(&cosigner.verifier(), 1)).ok());
  NoteSignature forged = cosigner.Cosign(kText, 1).value();
  forged.key_id = signer.verifier().key_id();
  EXPECT_FALSE(signer.verifier().Verifies(kText, forged));
  forged.bytes.erase(forged.bytes.begin(), forged.bytes.begin() + 8);
  EXPECT_FALSE(signer.verifier().Verifies(kText, forged));
}

TEST(VerifyNoteTest, UnknownSignaturesAreIgnored) {
  const NoteSigner signer = LogSigner();
  const NoteSignature good = signer.Sign(kText).value();
  NoteSignature other_id = good;
  ++other_id.key_id.value;
  other_id.bytes = Bytes(64);
  NoteSignature other_name = good;
  other_name.name += 'x';
  const auto signers = VerifyNote(NoteOf({other_id, other_name, good}), std::span(&signer.verifier(), 1));
  ASSERT_TRUE(signers.ok());
  EXPECT_EQ(signers->size(), 1U);
  EXPECT_EQ(VerifyNote(NoteOf({other_id, other_name}), std::span(&signer.verifier(), 1)).error().code(),
            ErrorCode::kIntegrity);
}

TEST(VerifyNoteTest, AFalseSignatureOfAKnownKeyRefusesTheNote) {
  const NoteSigner signer = LogSigner();
  const NoteCosigner witness = Witness();
  const std::vector<NoteVerifier> known = {signer.verifier(), witness.verifier()};
  const NoteSignature good = signer.Sign(kText).value();
  NoteSignature bad = good;
  bad.bytes[0] ^= std::byte{1};
  NoteSignature bad_witness = witness.Cosign(kText, 5).value();
  bad_witness.bytes[7] ^= std::byte{1};
  for (const auto& signatures :
       {std::vector{bad}, std::vector{good, bad}, std::vector{bad, good}, std::vector{good, bad_witness}}) {
    const auto signers = VerifyNote(NoteOf(signatures), known);
    ASSERT_FALSE(signers.ok());
    EXPECT_EQ(signers.error().code(), ErrorCode::kIntegrity);
  }
}

TEST(VerifyNoteTest, AKeyCountsOnceWithItsLatestTime) {
  const NoteCosigner witness = Witness();
  const SignedNote note =
      NoteOf({witness.Cosign(kText, 5).value(), witness.Cosign(kText, 9).value(), witness.Cosign(kText, 7).value()});
  const auto signers = VerifyNote(note, std::span(&witness.verifier(), 1));
  ASSERT_TRUE(signers.ok());
  ASSERT_EQ(signers->size(), 1U);
  EXPECT_EQ(signers->front().time_unix_s, 9U);
}

TEST(VerifyNoteTest, NobodyIsKnown) { EXPECT_FALSE(VerifyNote(NoteOf({LogSigner().Sign(kText).value()}), {}).ok()); }

}  // namespace
}  // namespace coffer
