#include "base/real/real_file_system.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/async/when_all.h"
#include "base/random.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/status_macros.h"

namespace tholos::base {
namespace {

class RealFileSystemTest : public testing::TestWithParam<bool> {
 protected:
  RealFileSystemTest() {
    RealExecutorOptions options;
    options.shards = 1;
    options.background = 1;
    options.use_io_uring = GetParam();
    executor_ = RealExecutor::Start(options, clock_);
    fs_ = std::make_unique<RealFileSystem>(*executor_);
    std::string pattern = testing::TempDir() + "/tholos-fs-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~RealFileSystemTest() override { std::filesystem::remove_all(directory_); }

  template <typename T>
  T Run(Task<T> task) {
    return BlockOn(executor_->shard(0), std::move(task));
  }
  std::string Path(std::string name) const { return directory_ + "/" + name; }
  // The code of what opening gives.
  absl::Status OpenStatus(std::string path, OpenMode mode) {
    struct Test {
      static Task<absl::Status> Run(FileSystem* fs, std::string path, OpenMode mode) {
        auto file = co_await fs->Open(std::move(path), mode);
        co_return file.status();
      }
    };
    return Run(Test::Run(fs_.get(), std::move(path), mode));
  }

  RealClock clock_;
  std::unique_ptr<RealExecutor> executor_;
  std::unique_ptr<RealFileSystem> fs_;
  std::string directory_;
};

INSTANTIATE_TEST_SUITE_P(Modes, RealFileSystemTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "io_uring" : "pool"; });

Task<absl::StatusOr<std::string>> WriteAndReadBack(FileSystem* fs, std::string path) {
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs->Open(path, OpenMode::kCreate));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Write(0, "hello world"));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Write(6, "there, you"));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Sync());
  THOLOS_CO_ASSIGN_OR_RETURN(std::string middle, co_await file->Read(6, 5));
  THOLOS_CO_ASSIGN_OR_RETURN(std::string tail, co_await file->Read(12, 1000));
  THOLOS_CO_ASSIGN_OR_RETURN(std::string beyond, co_await file->Read(5000, 10));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Close());
  co_return middle + "|" + tail + "|" + beyond + "|";
}

TEST_P(RealFileSystemTest, ReadsWhatWasWritten) {
  auto text = Run(WriteAndReadBack(fs_.get(), Path("f")));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, "there| you||");
}

Task<absl::StatusOr<std::vector<uint64_t>>> Sizes(FileSystem* fs, std::string path) {
  std::vector<uint64_t> sizes;
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs->Open(path, OpenMode::kOpenOrCreate));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Write(0, "abc"));
  sizes.push_back((co_await file->Size()).value());
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Allocate(1 << 20));
  sizes.push_back((co_await file->Size()).value());
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Allocate(10));
  sizes.push_back((co_await file->Size()).value());
  THOLOS_CO_ASSIGN_OR_RETURN(std::string start, co_await file->Read(0, 5));
  sizes.push_back(start == std::string("abc\0\0", 5));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Truncate(2));
  sizes.push_back((co_await file->Size()).value());
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Close());
  co_return sizes;
}

TEST_P(RealFileSystemTest, AllocateAndTruncateSetTheSize) {
  auto sizes = Run(Sizes(fs_.get(), Path("f")));
  ASSERT_TRUE(sizes.ok()) << sizes.status();
  EXPECT_EQ(*sizes, (std::vector<uint64_t>{3, 1 << 20, 1 << 20, 1, 2}));
}

// Blocks at addresses of blocks and elsewhere, pieces of blocks, and all of it read back through the
// page cache, from which a part was read before.
Task<absl::StatusOr<std::string>> WriteDurablyEverywhere(FileSystem* fs, std::string path) {
  constexpr size_t kBlock = File::kBlockBytes;
  const std::unique_ptr<char, decltype(&std::free)> memory(
      static_cast<char*>(std::aligned_alloc(kBlock, 4 * kBlock)), &std::free);
  std::fill_n(memory.get(), 4 * kBlock, 'b');
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs->Open(path, OpenMode::kCreate));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Write(0, "start"));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Allocate(8 * kBlock));
  THOLOS_CO_ASSIGN_OR_RETURN(std::string cached, co_await file->Read(0, 8 * kBlock));
  if (cached != "start" + std::string(8 * kBlock - 5, '\0')) co_return cached;
  THOLOS_CO_RETURN_IF_ERROR(co_await file->WriteDurably(kBlock, {memory.get(), 2 * kBlock}));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->WriteDurably(4 * kBlock, {memory.get() + 1, kBlock}));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->WriteDurably(7 * kBlock - 1, "end"));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->WriteDurably(8 * kBlock, {memory.get(), kBlock}));
  THOLOS_CO_ASSIGN_OR_RETURN(std::string all, co_await file->Read(0, 100 * kBlock));
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Close());
  co_return all;
}

TEST_P(RealFileSystemTest, WritesDurablyWhateverTheAlignment) {
  constexpr size_t kBlock = File::kBlockBytes;
  auto all = Run(WriteDurablyEverywhere(fs_.get(), Path("f")));
  ASSERT_TRUE(all.ok()) << all.status();
  std::string expected(9 * kBlock, '\0');
  expected.replace(0, 5, "start");
  expected.replace(kBlock, 2 * kBlock, 2 * kBlock, 'b');
  expected.replace(4 * kBlock, kBlock, kBlock, 'b');
  expected.replace(7 * kBlock - 1, 3, "end");
  expected.replace(8 * kBlock, kBlock, kBlock, 'b');
  EXPECT_TRUE(*all == expected);
}

Task<absl::Status> WriteBlock(File* file, uint64_t offset, const std::string* block) {
  co_return co_await file->Write(offset, *block);
}

// Many operations at a time, more than the ring holds; read back with a cold cache.
Task<absl::StatusOr<bool>> ManyBlocks(FileSystem* fs, std::string path) {
  constexpr int kBlocks = 2000;
  constexpr size_t kBytes = 4096;
  RandomStream random(7);
  std::vector<std::string> blocks;
  for (int i = 0; i < kBlocks; ++i) blocks.emplace_back(kBytes, static_cast<char>(random.Next()));
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs->Open(path, OpenMode::kCreate));
  std::vector<Task<absl::Status>> writes;
  for (int i = 0; i < kBlocks; ++i)
    writes.push_back(WriteBlock(file.get(), i * kBytes, &blocks[i]));
  for (const absl::Status& status : co_await WhenAll(std::move(writes))) {
    THOLOS_CO_RETURN_IF_ERROR(status);
  }
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Sync());
  const int fd = open(path.c_str(), O_RDONLY);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
  std::vector<Task<absl::StatusOr<std::string>>> reads;
  for (int i = 0; i < kBlocks; ++i) reads.push_back(file->Read(i * kBytes, kBytes));
  auto results = co_await WhenAll(std::move(reads));
  bool same = true;
  for (int i = 0; i < kBlocks; ++i) same = same && results[i].ok() && *results[i] == blocks[i];
  THOLOS_CO_RETURN_IF_ERROR(co_await file->Close());
  co_return same;
}

TEST_P(RealFileSystemTest, ThousandsOfOperationsAtOnce) {
  auto same = Run(ManyBlocks(fs_.get(), Path("f")));
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_TRUE(*same);
}

TEST_P(RealFileSystemTest, OpenModes) {
  EXPECT_EQ(OpenStatus(Path("f"), OpenMode::kRead).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(OpenStatus(Path("f"), OpenMode::kReadWrite).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(OpenStatus(Path("f"), OpenMode::kCreate).ok());
  EXPECT_EQ(OpenStatus(Path("f"), OpenMode::kCreate).code(), absl::StatusCode::kAlreadyExists);
  for (OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kOpenOrCreate}) {
    EXPECT_TRUE(OpenStatus(Path("f"), mode).ok());
  }
}

TEST_P(RealFileSystemTest, ErrorsNameOperationAndPath) {
  EXPECT_EQ(OpenStatus(Path("none"), OpenMode::kRead).message(),
            "open " + Path("none") + ": No such file or directory");
  const absl::Status rename = Run(fs_->Rename(Path("a"), Path("b")));
  EXPECT_EQ(rename.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(rename.message(),
            "rename " + Path("a") + " to " + Path("b") + ": No such file or directory");
  EXPECT_EQ(Run(fs_->Remove(Path("a"))).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Run(fs_->Link(Path("a"), Path("b"))).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Run(fs_->List(Path("a"))).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Run(fs_->SyncDirectory(Path("a"))).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Run(fs_->FreeBytes(Path("a"))).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Run(fs_->LockFile(Path("a/b"))).status().code(), absl::StatusCode::kNotFound);
}

Task<absl::Status> WriteTo(FileSystem* fs, std::string path, std::string data) {
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs->Open(path, OpenMode::kReadWrite));
  absl::Status status = co_await file->Write(0, data);
  const absl::Status closed = co_await file->Close();
  co_return status.ok() ? closed : status;
}

TEST_P(RealFileSystemTest, AFullDeviceIsResourceExhausted) {
  const absl::Status status = Run(WriteTo(fs_.get(), "/dev/full", "x"));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "write /dev/full: No space left on device");
}

Task<absl::Status> WriteReadOnly(FileSystem* fs, std::string path) {
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs->Open(path, OpenMode::kRead));
  const absl::Status durably = co_await file->WriteDurably(0, "x");
  EXPECT_EQ(durably.code(), absl::StatusCode::kInternal);
  co_return co_await file->Write(0, "x");
}

TEST_P(RealFileSystemTest, WritingWhatIsOpenForReadingFails) {
  ASSERT_TRUE(OpenStatus(Path("f"), OpenMode::kCreate).ok());
  EXPECT_EQ(Run(WriteReadOnly(fs_.get(), Path("f"))).code(), absl::StatusCode::kInternal);
}

TEST_P(RealFileSystemTest, DirectoriesAndNames) {
  ASSERT_TRUE(Run(fs_->MakeDirectories(Path("x/y/z"))).ok());
  ASSERT_TRUE(Run(fs_->MakeDirectories(Path("x/y/z"))).ok());
  ASSERT_TRUE(OpenStatus(Path("x/b"), OpenMode::kCreate).ok());
  EXPECT_EQ(Run(fs_->MakeDirectories(Path("x/b"))).code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(Run(fs_->Link(Path("x/b"), Path("x/a"))).ok());
  ASSERT_TRUE(Run(fs_->Rename(Path("x/b"), Path("x/c"))).ok());
  ASSERT_TRUE(Run(fs_->SyncDirectory(Path("x"))).ok());
  auto entries = Run(fs_->List(Path("x")));
  ASSERT_TRUE(entries.ok());
  std::string text;
  for (const auto& entry : *entries) text += entry.name + (entry.is_directory ? "/ " : " ");
  EXPECT_EQ(text, "a c y/ ");
  EXPECT_EQ(Run(fs_->Exists(Path("x/c"))).value(), true);
  EXPECT_EQ(Run(fs_->Exists(Path("x/b"))).value(), false);
  EXPECT_EQ(Run(fs_->Exists(Path("x/c/d"))).value(), false);
  EXPECT_FALSE(Run(fs_->Remove(Path("x/y"))).ok());
  EXPECT_TRUE(Run(fs_->Remove(Path("x/y/z"))).ok());
  EXPECT_TRUE(Run(fs_->Remove(Path("x/y"))).ok());
  EXPECT_TRUE(Run(fs_->Remove(Path("x/c"))).ok());
  EXPECT_GT(Run(fs_->FreeBytes(Path("x"))).value(), 0u);
}

TEST_P(RealFileSystemTest, WholeFilesAreReplacedAtomically) {
  const std::string path = Path("whole");
  ASSERT_TRUE(OpenStatus(path + ".tmp", OpenMode::kCreate).ok());
  ASSERT_TRUE(Run(WriteTo(fs_.get(), path + ".tmp", "left behind by a crash")).ok());
  for (std::string contents : {"first", "", "second, longer"}) {
    const absl::Status written = Run(WriteFileAtomically(*fs_, path, contents));
    ASSERT_TRUE(written.ok()) << written;
    EXPECT_EQ(Run(ReadFile(*fs_, path, 1000)).value(), contents);
  }
  EXPECT_EQ(Run(fs_->Exists(path + ".tmp")).value(), false);
  const absl::Status too_large = Run(ReadFile(*fs_, path, 5)).status();
  EXPECT_EQ(too_large.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Run(ReadFile(*fs_, Path("none"), 5)).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(RealFileSystemTest, ALockExcludesTheSameProcess) {
  auto first = Run(fs_->LockFile(Path("lock")));
  ASSERT_TRUE(first.ok());
  const absl::Status second = Run(fs_->LockFile(Path("lock"))).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(second.message(), "lock " + Path("lock") + ": another process holds it");
  first->reset();
  EXPECT_TRUE(Run(fs_->LockFile(Path("lock"))).ok());
}

// The child locks by itself and holds the lock until it is killed.
TEST_P(RealFileSystemTest, ALockExcludesAnotherProcessUntilThatDies) {
  const std::string path = Path("lock");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    const char answer = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 'y' : 'n';
    if (write(ready[1], &answer, 1) != 1) _exit(1);
    while (true) pause();
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_EQ(Run(fs_->LockFile(path)).status().code(), absl::StatusCode::kFailedPrecondition);
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(Run(fs_->LockFile(path)).ok());
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace tholos::base
