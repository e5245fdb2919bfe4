// Of a link test (tholos.cmake): linking it is the test.
int main() { return 0; }
