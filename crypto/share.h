// Shares: a secret in parts, of which a given number give it back and fewer tell nothing (docs/FORMAT.md section 8;
// Shamir, "How to share a secret", 1979).
#pragma once

#include "crypto/hash.h"
#include "crypto/ids.h"

namespace coffer {

using ShareSetUuid = UuidOf<struct ShareSetTag>;

inline constexpr std::size_t kShareSecretSize = 32;
inline constexpr std::size_t kShareSize = 55;       // bytes
inline constexpr std::size_t kShareTextSize = 113;  // characters, as ToText writes them
inline constexpr std::size_t kMaxTypedShare = 1024;
inline constexpr std::uint8_t kMinShareThreshold = 2;
inline constexpr std::uint8_t kMaxShares = 16;

// How many shares a secret is split into, and how many of them give it back.
struct SharePlan {
  std::uint8_t threshold = 0;  // kMinShareThreshold to `count`
  std::uint8_t count = 0;      // to kMaxShares
};
// kInvalidArgument unless the two are as above.
Status CheckSharePlan(SharePlan plan);

// One part. Move-only; wiped when destroyed. Its set, threshold and index are no secrets. const methods are
// thread-safe.
class Share {
 public:
  // As a person typed it: either case, and any white space and hyphens between the groups. kInvalidArgument, with the
  // group where it shows: mistyped, cut, or no share.
  static Result<Share> Parse(const SecretBytes& text);
  // "coffer-share-1-" and 11 groups of 8 characters.
  SecretBytes ToText() const;

  // The 55 bytes. kInvalidArgument for anything that ToBytes does not write.
  static Result<Share> FromBytes(const SecretBytes& bytes);
  SecretBytes ToBytes() const;

  const ShareSetUuid& set() const { return set_; }
  std::uint8_t threshold() const { return threshold_; }
  std::uint8_t index() const { return index_; }  // from 1
  // The 32 bytes, for arithmetic.
  const SecretBytes& value() const { return value_; }
  // What is published of a share: it tells a true share from a false one, and nothing about the secret.
  Digest PublishedDigest() const;

 private:
  friend struct ShareSplit;
  Share() = default;
  ShareSetUuid set_;
  std::uint8_t threshold_ = 0;
  std::uint8_t index_ = 0;
  SecretBytes value_;
};

// What is published of a split, beside what the secret protects. A plain value.
struct ShareSet {
  ShareSetUuid uuid;
  std::uint8_t threshold = 0;
  std::vector<Digest> digests;  // of the shares 1, 2, ...

  bool operator==(const ShareSet&) const = default;
  Bytes Encode() const;
  // kInvalidArgument for anything that Encode does not write of a set within the limits.
  static Result<ShareSet> Parse(ByteView bytes);
};

namespace internal {
struct ShareSeeds;
}

// A secret, split.
struct ShareSplit {
  ShareSet set;
  std::vector<Share> shares;  // in the order of their indexes

  // `secret` is 32 random bytes: of anything else the published digests let an attacker test guesses. A new set UUID
  // and new coefficients at each call; `unix_ms` goes into the UUID. The shares were checked to give the secret back.
  // kInvalidArgument: a plan outside the limits, or a secret of another size.
  static Result<ShareSplit> Of(const SecretBytes& secret, SharePlan plan, std::uint64_t unix_ms);

 private:
  friend struct internal::ShareSeeds;
  static Result<ShareSplit> With(const SecretBytes& secret, SharePlan plan, const internal::ShareSeeds& seeds);
};

}  // namespace coffer
