// ShareCombiner: takes shares one by one, judges each against the published set, and gives the secret back when enough
// are there (docs/FORMAT.md section 8).
#pragma once

#include "crypto/share.h"

namespace coffer {

// Move-only; what it holds is wiped when it is destroyed. Not thread-safe.
class ShareCombiner {
 public:
  // kInvalidArgument: a set outside the limits.
  static Result<ShareCombiner> Create(ShareSet set);

  enum class Answer : std::uint8_t {
    kCounted,
    kDuplicate,  // Its index was there; nothing changed.
  };
  // kInvalidArgument, with the share's index, and nothing changed: of another set, with another threshold or an index
  // that the set has not, or other bytes than were handed out under this index.
  Result<Answer> Add(Share share);

  // How many more shares are wanted; 0 when Combine succeeds.
  std::size_t Missing() const;
  // Counted, in the order of their coming.
  std::vector<std::uint8_t> Indexes() const;

  // 32 bytes. kFailedPrecondition: shares are missing.
  Result<SecretBytes> Combine() const;

 private:
  explicit ShareCombiner(ShareSet set) : set_(std::move(set)) {}
  ShareSet set_;
  std::vector<Share> shares_;
};

}  // namespace coffer
