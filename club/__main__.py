from club.cli import main

main()
